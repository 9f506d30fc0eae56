// Command pion_pairs does what benchmarks/pairs.py does, with Pion: it takes how many pairs come and go unmeasured, how
// many measured, and how many stay in the end, and prints one JSON line.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

const (
	idleSteps = 10
	timeout   = 10 * time.Second
)

type report struct {
	SetupMs  []float64 `json:"setup_ms"`
	CPUMs    float64   `json:"cpu_ms"`
	Resident [][2]int  `json:"resident"`
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("three numbers are needed: pairs for warming up, measured, and idle")
	}
	var numbers [3]int
	for i, argument := range os.Args[1:] {
		number, err := strconv.Atoi(argument)
		if err != nil {
			log.Fatal(err)
		}
		numbers[i] = number
	}
	measured, err := measure(numbers[0], numbers[1], numbers[2])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(measured); err != nil {
		log.Fatal(err)
	}
}

func measure(warmup, count, idle int) (*report, error) {
	api, err := newAPI()
	if err != nil {
		return nil, err
	}
	for range warmup {
		pair, err := open(api)
		if err != nil {
			return nil, err
		}
		if err := pair.close(); err != nil {
			return nil, err
		}
	}
	result := &report{SetupMs: []float64{}}
	cpuBegan := processMs()
	for range count {
		began := time.Now()
		pair, err := open(api)
		if err != nil {
			return nil, err
		}
		result.SetupMs = append(result.SetupMs, time.Since(began).Seconds()*1e3)
		if err := pair.close(); err != nil {
			return nil, err
		}
	}
	result.CPUMs = processMs() - cpuBegan
	pairs := []*pair{}
	for number := range idle + 1 {
		if number%max(1, idle/idleSteps) == 0 {
			runtime.GC()
			debug.FreeOSMemory()
			resident, err := residentBytes()
			if err != nil {
				return nil, err
			}
			result.Resident = append(result.Resident, [2]int{number, resident})
		}
		if number < idle {
			pair, err := open(api)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, pair)
		}
	}
	for _, pair := range pairs {
		if err := pair.close(); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// newAPI has the codecs that a program starts with, no interceptors and no mDNS: nothing that an idle pair can do without.
func newAPI() (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings)), nil
}

type pair struct {
	offerer, answerer *webrtc.PeerConnection
}

func (p *pair) close() error {
	if err := p.offerer.Close(); err != nil {
		return err
	}
	return p.answerer.Close()
}

// open makes one m-line of audio, with candidates trickled, and returns once both ends are connected.
func open(api *webrtc.API) (*pair, error) {
	offerer, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	answerer, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	connected := make(chan struct{}, 2)
	offered := newSignaling(offerer, answerer, connected)
	answered := newSignaling(answerer, offerer, connected)

	sendOnly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	if _, err := offerer.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, sendOnly); err != nil {
		return nil, err
	}
	offer, err := offerer.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	if err := offerer.SetLocalDescription(offer); err != nil {
		return nil, err
	}
	if err := answerer.SetRemoteDescription(offer); err != nil {
		return nil, err
	}
	close(offered)
	answer, err := answerer.CreateAnswer(nil)
	if err != nil {
		return nil, err
	}
	if err := answerer.SetLocalDescription(answer); err != nil {
		return nil, err
	}
	if err := offerer.SetRemoteDescription(answer); err != nil {
		return nil, err
	}
	close(answered)

	expired := time.After(timeout)
	for range 2 {
		select {
		case <-connected:
		case <-expired:
			return nil, fmt.Errorf("not connected within %s", timeout)
		}
	}
	return &pair{offerer, answerer}, nil
}

// newSignaling hands the candidates of one end to the other, once what is returned is closed: the other knows the description.
func newSignaling(from, to *webrtc.PeerConnection, connected chan<- struct{}) chan struct{} {
	described := make(chan struct{})
	from.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate == nil {
			return
		}
		<-described
		if err := to.AddICECandidate(candidate.ToJSON()); err != nil {
			log.Print(err)
		}
	})
	from.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			connected <- struct{}{}
		}
	})
	return described
}

func processMs() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

func residentBytes() (int, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/self/statm holds %q", text)
	}
	pages, err := strconv.Atoi(fields[1])
	return pages * os.Getpagesize(), err
}
