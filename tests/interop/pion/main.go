// Pion's end of a peer connection, told what to do by JSON lines on its standard input: {"do", "with"}.
// It answers each by one line, {"result"} or {"error"}. What it receives it sends back, packet by packet.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

const limit = 30 * time.Second

type mirror struct {
	kind     string
	local    *webrtc.TrackLocalStaticRTP
	sender   *webrtc.RTPSender
	of       *webrtc.TrackRemote
	sequence uint16
}

type end struct {
	pc         *webrtc.PeerConnection
	candidates chan *webrtc.ICECandidateInit
	restart    bool
	mutex      sync.Mutex
	mirrors    []*mirror
	received   map[*webrtc.TrackRemote]*atomic.Int64
	channels   channels
}

// offerTCP has ICE use TCP, too, which Pion does not by itself; with passive others' streams are accepted.
func offerTCP(settings *webrtc.SettingEngine, passive bool) error {
	settings.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6,
	})
	if !passive {
		return nil
	}
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		return err
	}
	settings.SetICETCPMux(webrtc.NewICETCPMux(nil, listener, 64))
	return nil
}

func (e *end) open(configuration webrtc.Configuration, tcp string) error {
	settings := webrtc.SettingEngine{}
	if tcp != "" {
		if err := offerTCP(&settings, tcp == "passive"); err != nil {
			return err
		}
	}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetSCTPMaxMessageSize(longest)
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media))
	pc, err := api.NewPeerConnection(configuration)
	if err != nil {
		return err
	}
	e.pc = pc
	e.candidates = make(chan *webrtc.ICECandidateInit, 256)
	e.received = map[*webrtc.TrackRemote]*atomic.Int64{}
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate == nil {
			e.candidates <- nil
			return
		}
		found := candidate.ToJSON()
		e.candidates <- &found
	})
	pc.OnTrack(e.reflect)
	e.channels.labels = map[string]*kept{}
	pc.OnDataChannel(e.channels.keep)
	return nil
}

// aim has every sender reflect some track of its kind, a different one where there are as many.
func (e *end) aim() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	for _, one := range e.mirrors {
		if _, lives := e.received[one.of]; lives {
			continue
		}
		one.of = nil
		for track := range e.received {
			if track.Kind().String() == one.kind && (one.of == nil || !e.reflected(track, one)) {
				one.of = track
			}
		}
		if one.of != nil {
			e.askKeyFrame(one.of)
		}
	}
}

func (e *end) reflected(track *webrtc.TrackRemote, but *mirror) bool {
	for _, one := range e.mirrors {
		if one != but && one.of == track {
			return true
		}
	}
	return false
}

func (e *end) askKeyFrame(track *webrtc.TrackRemote) {
	_ = e.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}})
}

// reflect sends a remote track back by the senders that are aimed at it.
func (e *end) reflect(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	count := &atomic.Int64{}
	e.mutex.Lock()
	e.received[track] = count
	e.mutex.Unlock()
	e.aim()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			e.mutex.Lock()
			delete(e.received, track)
			e.mutex.Unlock()
			e.aim()
			return
		}
		count.Add(1)
		packet.Extension, packet.Extensions = false, nil
		e.mutex.Lock()
		for _, one := range e.mirrors {
			if one.of == track {
				one.sequence++
				packet.SequenceNumber = one.sequence
				_ = one.local.WriteRTP(packet)
			}
		}
		e.mutex.Unlock()
	}
}

// send adds a track; key frames that are asked of it are asked of the track that it reflects.
func (e *end) send(kind string) error {
	mime := map[string]string{"audio": webrtc.MimeTypeOpus, "video": webrtc.MimeTypeVP8}[kind]
	e.mutex.Lock()
	name := fmt.Sprintf("%s%d", kind, len(e.mirrors))
	e.mutex.Unlock()
	local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, name, name)
	if err != nil {
		return err
	}
	sender, err := e.pc.AddTrack(local)
	if err != nil {
		return err
	}
	back := &mirror{kind: kind, local: local, sender: sender}
	e.mutex.Lock()
	e.mirrors = append(e.mirrors, back)
	e.mutex.Unlock()
	e.aim()
	go func() {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				if _, wish := packet.(*rtcp.PictureLossIndication); wish {
					e.mutex.Lock()
					if back.of != nil {
						e.askKeyFrame(back.of)
					}
					e.mutex.Unlock()
				}
			}
		}
	}()
	return nil
}

func (e *end) stopSending(kind string) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	for i := len(e.mirrors) - 1; i >= 0; i-- {
		if e.mirrors[i].kind == kind {
			sender := e.mirrors[i].sender
			e.mirrors = append(e.mirrors[:i], e.mirrors[i+1:]...)
			return e.pc.RemoveTrack(sender)
		}
	}
	return errors.New("no such track")
}

func (e *end) describe() (*webrtc.SessionDescription, error) {
	var description webrtc.SessionDescription
	var err error
	if e.pc.SignalingState() == webrtc.SignalingStateHaveRemoteOffer {
		description, err = e.pc.CreateAnswer(nil)
	} else {
		description, err = e.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: e.restart})
		e.restart = false
	}
	if err != nil {
		return nil, err
	}
	return &description, e.pc.SetLocalDescription(description)
}

// route gives the pair of candidates that is in use.
func (e *end) route() (any, error) {
	transport := e.pc.GetTransceivers()[0].Sender().Transport().ICETransport()
	pair, err := transport.GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return nil, fmt.Errorf("no pair: %v", err)
	}
	types := map[string]any{"local": pair.Local.Typ.String(), "remote": pair.Remote.Typ.String()}
	types["relay_protocol"] = nil
	for _, one := range e.pc.GetStats() {
		of, is := one.(webrtc.ICECandidateStats)
		if is && of.Type == webrtc.StatsTypeLocalCandidate && of.CandidateType == webrtc.ICECandidateTypeRelay {
			types["relay_protocol"] = of.RelayProtocol
		}
	}
	return types, nil
}

// until polls, for want of events.
func until(what string, holds func() bool) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return fmt.Errorf("not within %s: %s", limit, what)
}

// receives waits for packets of so many tracks of a kind; 0 is any number.
func (e *end) receives(kind string, count int) error {
	current := func() map[*webrtc.TrackRemote]int64 {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		counts := map[*webrtc.TrackRemote]int64{}
		for track, packets := range e.received {
			if track.Kind().String() == kind {
				counts[track] = packets.Load()
			}
		}
		return counts
	}
	var before map[*webrtc.TrackRemote]int64
	if err := until(fmt.Sprintf("%d tracks of %s", count, kind), func() bool {
		before = current()
		return len(before) > 0 && (count == 0 || len(before) == count)
	}); err != nil {
		return err
	}
	return until("packets of "+kind, func() bool {
		for track, packets := range current() {
			if packets < before[track]+10 {
				return false
			}
		}
		return true
	})
}

func (e *end) run(command string, with json.RawMessage) (any, error) {
	switch command {
	case "open":
		configuration := webrtc.Configuration{}
		if err := json.Unmarshal(with, &configuration); err != nil {
			return nil, err
		}
		ours := struct{ Tcp string }{}
		if err := json.Unmarshal(with, &ours); err != nil {
			return nil, err
		}
		return nil, e.open(configuration, ours.Tcp)
	case "send", "stop_sending", "hears":
		var kind string
		if err := json.Unmarshal(with, &kind); err != nil {
			return nil, err
		}
		switch command {
		case "send":
			return nil, e.send(kind)
		case "stop_sending":
			return nil, e.stopSending(kind)
		}
		return nil, e.receives(kind, 0)
	case "sees":
		var count int
		if err := json.Unmarshal(with, &count); err != nil {
			return nil, err
		}
		return nil, e.receives("video", count)
	case "restart_ice":
		e.restart = true
		return nil, nil
	case "describe":
		return e.describe()
	case "accept":
		description := webrtc.SessionDescription{}
		if err := json.Unmarshal(with, &description); err != nil {
			return nil, err
		}
		return nil, e.pc.SetRemoteDescription(description)
	case "next_candidate":
		select {
		case candidate := <-e.candidates:
			return candidate, nil
		case <-time.After(limit):
			return nil, errors.New("gathering does not end")
		}
	case "add_candidate":
		candidate := webrtc.ICECandidateInit{}
		if err := json.Unmarshal(with, &candidate); err != nil {
			return nil, err
		}
		return nil, e.pc.AddICECandidate(candidate)
	case "route":
		return e.route()
	case "connected":
		return nil, until("connected", func() bool {
			return e.pc.ConnectionState() == webrtc.PeerConnectionStateConnected
		})
	}
	of := channelCommand{}
	if err := json.Unmarshal(with, &of); err != nil {
		return nil, err
	}
	if result, known, err := e.channels.run(e.pc, command, &of); known {
		return result, err
	}
	return nil, errors.New("no such command: " + command)
}

func main() {
	e := &end{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		command := struct {
			Do   string
			With json.RawMessage
		}{}
		reply := map[string]any{}
		if err := json.Unmarshal(in.Bytes(), &command); err != nil {
			reply["error"] = err.Error()
		} else if result, err := e.run(command.Do, command.With); err != nil {
			reply["error"] = err.Error()
		} else {
			reply["result"] = result
		}
		if out.Encode(reply) != nil {
			break
		}
	}
	if e.pc != nil {
		_ = e.pc.Close()
	}
}
