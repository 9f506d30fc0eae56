package main

import (
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

const (
	pingLabel = "ping"
	// What Pion is best with, as far as was tried.
	windowBytes    = 8 << 20
	highWaterBytes = 1 << 20
	lowWaterBytes  = 512 << 10
	longestMessage = 262_144
	timeout        = 30 * time.Second
)

// end is an RTCPeerConnection with what the protocol needs.
type end struct {
	job        job
	connection *webrtc.PeerConnection
	ping       *webrtc.DataChannel
	bulk       []*webrtc.DataChannel
	opened     chan struct{}
	answered   chan struct{}
	messages   atomic.Int64

	mutex       sync.Mutex
	roundTripsS []float64
}

func newEnd(job job) (*end, error) {
	settings := webrtc.SettingEngine{}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.EnableSCTPZeroChecksum(true)
	settings.SetSCTPMaxReceiveBufferSize(windowBytes)
	settings.SetSCTPMaxMessageSize(longestMessage)
	connection, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	e := &end{
		job:        job,
		connection: connection,
		opened:     make(chan struct{}, job.Channels+1),
		answered:   make(chan struct{}, 1),
	}
	connection.OnDataChannel(e.beginChannel)
	return e, nil
}

func (e *end) offer() (string, error) {
	for number := -1; number < e.job.Channels; number++ {
		label := pingLabel
		if number >= 0 {
			label = fmt.Sprintf("bulk %d", number)
		}
		channel, err := e.connection.CreateDataChannel(label, nil)
		if err != nil {
			return "", err
		}
		channel.OnOpen(func() { e.opened <- struct{}{} })
		if number < 0 {
			e.ping = channel
			channel.OnMessage(func(webrtc.DataChannelMessage) { e.answered <- struct{}{} })
		} else {
			e.bulk = append(e.bulk, channel)
		}
	}
	offer, err := e.connection.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return e.gathered(offer)
}

func (e *end) takeAnswer(sdp string) error {
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}
	if err := e.connection.SetRemoteDescription(answer); err != nil {
		return err
	}
	expired := time.After(timeout)
	for range e.job.Channels + 1 {
		select {
		case <-e.opened:
		case <-expired:
			return fmt.Errorf("the channels are not open within %s", timeout)
		}
	}
	return nil
}

func (e *end) answer(sdp string) (string, error) {
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}
	if err := e.connection.SetRemoteDescription(offer); err != nil {
		return "", err
	}
	answer, err := e.connection.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return e.gathered(answer)
}

// gathered sets a description and gives it with all candidates.
func (e *end) gathered(description webrtc.SessionDescription) (string, error) {
	complete := webrtc.GatheringCompletePromise(e.connection)
	if err := e.connection.SetLocalDescription(description); err != nil {
		return "", err
	}
	<-complete
	return e.connection.LocalDescription().SDP, nil
}

func (e *end) beginChannel(channel *webrtc.DataChannel) {
	if channel.Label() == pingLabel {
		channel.OnMessage(func(message webrtc.DataChannelMessage) {
			if err := channel.Send(message.Data); err != nil {
				log.Print(err)
			}
		})
		return
	}
	channel.OnMessage(func(webrtc.DataChannelMessage) { e.messages.Add(1) })
}

// sendBulk begins to send on all channels, without end.
func (e *end) sendBulk() {
	data := make([]byte, e.job.SizeBytes)
	for _, channel := range e.bulk {
		low := make(chan struct{}, 1)
		channel.SetBufferedAmountLowThreshold(lowWaterBytes)
		channel.OnBufferedAmountLow(func() {
			select {
			case low <- struct{}{}:
			default:
			}
		})
		go func() {
			for {
				if err := channel.Send(data); err != nil {
					log.Fatal(err)
				}
				if channel.BufferedAmount() > highWaterBytes {
					<-low
				}
			}
		}()
	}
}

func (e *end) sendPings() {
	pause := time.Duration(e.job.PingPauseS * float64(time.Second))
	for {
		began := time.Now()
		if err := e.ping.Send([]byte("ping")); err != nil {
			log.Fatal(err)
		}
		<-e.answered
		taken := time.Since(began).Seconds()
		e.mutex.Lock()
		e.roundTripsS = append(e.roundTripsS, taken)
		e.mutex.Unlock()
		time.Sleep(pause)
	}
}

func (e *end) takeRoundTrips() []float64 {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	taken := e.roundTripsS
	e.roundTripsS = []float64{}
	if taken == nil {
		return []float64{}
	}
	return taken
}
