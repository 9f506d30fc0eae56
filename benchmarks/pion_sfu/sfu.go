package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/transport/v5/udp"
	"github.com/pion/webrtc/v4"
)

const (
	receiveBufferBytes = 8 << 20
	batchPackets       = 256
	batchInterval      = 500 * time.Microsecond
	readBytes          = 1500
)

// Config says how the packets are read and written.
type Config struct {
	IO   string
	Nack bool
}

// SFU forwards the one published video track to all subscribers.
type SFU struct {
	api   *webrtc.API
	track *webrtc.TrackLocalStaticRTP

	mu          sync.Mutex
	publisher   *webrtc.PeerConnection
	publishSSRC webrtc.SSRC
	subscribers []*webrtc.PeerConnection
}

// NewSFU binds the UDP port.
func NewSFU(config Config) (*SFU, error) {
	settings := webrtc.SettingEngine{}
	settings.SetLite(true)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.Equal(net.IPv4(127, 0, 0, 1)) })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	settings.DisableSRTPReplayProtection(true)
	if config.IO != "sockets" {
		conn, err := listenUDP()
		if err != nil {
			return nil, err
		}
		if config.IO == "batch" {
			conn = udp.NewBatchConn(conn, batchPackets, batchInterval)
		} else if config.IO != "mux" {
			return nil, fmt.Errorf("no such -io: %q", config.IO)
		}
		settings.SetICEUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn}))
	}

	media := &webrtc.MediaEngine{}
	capability := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}
	codec := webrtc.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: 96}
	if err := media.RegisterCodec(codec, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	interceptors := &interceptor.Registry{}
	if config.Nack {
		if err := webrtc.ConfigureNack(media, interceptors); err != nil {
			return nil, err
		}
		if err := webrtc.ConfigureRTCPReports(interceptors); err != nil {
			return nil, err
		}
	}
	track, err := webrtc.NewTrackLocalStaticRTP(capability, "video", "publisher")
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(interceptors))
	return &SFU{api: api, track: track}, nil
}

func listenUDP() (net.PacketConn, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	controlErr := raw.Control(func(fd uintptr) {
		for _, option := range []int{syscall.SO_RCVBUFFORCE, syscall.SO_SNDBUFFORCE} {
			if forced := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, receiveBufferBytes); forced != nil {
				err = errors.Join(err, forced)
			}
		}
	})
	return conn, errors.Join(controlErr, err)
}

// Publish answers the publisher's offer.
func (s *SFU) Publish(offer string) (string, error) {
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	pc.OnTrack(s.forward)
	s.mu.Lock()
	s.publisher = pc
	s.mu.Unlock()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return gathered(pc, answer)
}

// Subscribe makes a connection that sends the track, and its offer.
func (s *SFU) Subscribe() (id string, offer string, err error) {
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", "", err
	}
	sender, err := pc.AddTrack(s.track)
	if err != nil {
		return "", "", err
	}
	go s.readFeedback(sender)
	description, err := pc.CreateOffer(nil)
	if err != nil {
		return "", "", err
	}
	offer, err = gathered(pc, description)
	if err != nil {
		return "", "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = append(s.subscribers, pc)
	return strconv.Itoa(len(s.subscribers) - 1), offer, nil
}

// Answer completes a subscriber's connection.
func (s *SFU) Answer(id string, answer string) error {
	index, err := strconv.Atoi(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if index < 0 || index >= len(s.subscribers) {
		s.mu.Unlock()
		return fmt.Errorf("no such subscriber: %d", index)
	}
	pc := s.subscribers[index]
	s.mu.Unlock()
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

func gathered(pc *webrtc.PeerConnection, description webrtc.SessionDescription) (string, error) {
	complete := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(description); err != nil {
		return "", err
	}
	<-complete
	return pc.LocalDescription().SDP, nil
}

func (s *SFU) forward(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	s.mu.Lock()
	s.publishSSRC = remote.SSRC()
	s.mu.Unlock()
	buffer := make([]byte, readBytes)
	for {
		n, _, err := remote.Read(buffer)
		if err != nil {
			return
		}
		// A subscriber that cannot be written to must not stop the others.
		_, _ = s.track.Write(buffer[:n])
	}
}

func (s *SFU) readFeedback(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, isPLI := packet.(*rtcp.PictureLossIndication); !isPLI {
				continue
			}
			s.mu.Lock()
			publisher, ssrc := s.publisher, s.publishSSRC
			s.mu.Unlock()
			if publisher != nil {
				_ = publisher.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}})
			}
		}
	}
}
