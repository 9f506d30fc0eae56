package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/pion/webrtc/v4"
)

// What a page of a browser takes, and more than Pion takes unless told.
const longest = 262_144

// Below this much that waits, more is sent.
const low = 1 << 20

// message is text or bytes, which cross as base64.
type message struct {
	Text   *string `json:"text,omitempty"`
	Base64 *[]byte `json:"base64,omitempty"`
}

type kept struct {
	channel  *webrtc.DataChannel
	messages []webrtc.DataChannelMessage
}

// channels are those of one connection, by their labels.
type channels struct {
	mutex  sync.Mutex
	labels map[string]*kept
}

type channelCommand struct {
	Init struct {
		Ordered           *bool
		MaxRetransmits    *uint16
		MaxPacketLifeTime *uint16
		Protocol          *string
		Negotiated        *bool
		ID                *uint16
	}
	Labels  []string
	Message message
	Count   int
	Size    int
}

func (c *channels) keep(channel *webrtc.DataChannel) {
	one := &kept{channel: channel}
	c.mutex.Lock()
	c.labels[channel.Label()] = one
	c.mutex.Unlock()
	channel.OnMessage(func(came webrtc.DataChannelMessage) {
		c.mutex.Lock()
		one.messages = append(one.messages, came)
		c.mutex.Unlock()
	})
}

// wait returns a channel once it is there and holds.
func (c *channels) wait(label, what string, holds func(*kept) bool) (*kept, error) {
	var one *kept
	return one, until(label+" "+what, func() bool {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		one = c.labels[label]
		return one != nil && holds(one)
	})
}

func (c *channels) in(label string, state webrtc.DataChannelState) (*webrtc.DataChannel, error) {
	one, err := c.wait(label, state.String(), func(one *kept) bool { return one.channel.ReadyState() == state })
	if err != nil {
		return nil, err
	}
	return one.channel, nil
}

// take waits for so many messages and removes them.
func (c *channels) take(label string, count int) ([]webrtc.DataChannelMessage, error) {
	what := fmt.Sprintf("told %d", count)
	one, err := c.wait(label, what, func(one *kept) bool { return len(one.messages) >= count })
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	taken := one.messages[:count]
	one.messages = one.messages[count:]
	return taken, nil
}

func (c *channels) create(pc *webrtc.PeerConnection, command *channelCommand) error {
	init := &webrtc.DataChannelInit{
		Ordered:           command.Init.Ordered,
		MaxRetransmits:    command.Init.MaxRetransmits,
		MaxPacketLifeTime: command.Init.MaxPacketLifeTime,
		Protocol:          command.Init.Protocol,
		Negotiated:        command.Init.Negotiated,
		ID:                command.Init.ID,
	}
	for _, label := range command.Labels {
		channel, err := pc.CreateDataChannel(label, init)
		if err != nil {
			return err
		}
		c.keep(channel)
	}
	return nil
}

func (c *channels) opened(label string) (any, error) {
	channel, err := c.in(label, webrtc.DataChannelStateOpen)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"ordered":           channel.Ordered(),
		"maxRetransmits":    channel.MaxRetransmits(),
		"maxPacketLifeTime": channel.MaxPacketLifeTime(),
		"protocol":          channel.Protocol(),
		"negotiated":        channel.Negotiated(),
		"id":                channel.ID(),
	}, nil
}

func (c *channels) say(what message, labels []string) error {
	for _, label := range labels {
		channel, err := c.in(label, webrtc.DataChannelStateOpen)
		if err != nil {
			return err
		}
		if what.Text != nil {
			err = channel.SendText(*what.Text)
		} else {
			err = channel.Send(*what.Base64)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *channels) told(labels []string) (any, error) {
	told := []message{}
	for _, label := range labels {
		came, err := c.take(label, 1)
		if err != nil {
			return nil, err
		}
		if came[0].IsString {
			text := string(came[0].Data)
			told = append(told, message{Text: &text})
		} else {
			data := append([]byte{}, came[0].Data...)
			told = append(told, message{Base64: &data})
		}
	}
	return told, nil
}

// sayPattern sends messages of which byte j of number i is (i + j) mod 251.
func (c *channels) sayPattern(label string, count, size int) error {
	channel, err := c.in(label, webrtc.DataChannelStateOpen)
	if err != nil {
		return err
	}
	for number := 0; number < count; number++ {
		if err := until("less waits", func() bool { return channel.BufferedAmount() <= low }); err != nil {
			return err
		}
		data := make([]byte, size)
		for j := range data {
			data[j] = byte((number + j) % 251)
		}
		if err := channel.Send(data); err != nil {
			return err
		}
	}
	return nil
}

func (c *channels) digest(label string, count int) (any, error) {
	came, err := c.take(label, count)
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	for _, one := range came {
		digest.Write(one.Data)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// run does a command of channels; false is one that is none of theirs.
func (c *channels) run(pc *webrtc.PeerConnection, name string, command *channelCommand) (any, bool, error) {
	var result any
	var err error
	switch name {
	case "create_channels":
		err = c.create(pc, command)
	case "opened":
		result, err = c.opened(command.Labels[0])
	case "say":
		err = c.say(command.Message, command.Labels)
	case "told":
		result, err = c.told(command.Labels)
	case "say_pattern":
		err = c.sayPattern(command.Labels[0], command.Count, command.Size)
	case "told_digest":
		result, err = c.digest(command.Labels[0], command.Count)
	case "close_channel":
		var one *kept
		if one, err = c.wait(command.Labels[0], "there", func(*kept) bool { return true }); err == nil {
			err = one.channel.Close()
		}
	case "closed":
		_, err = c.in(command.Labels[0], webrtc.DataChannelStateClosed)
	default:
		return nil, false, nil
	}
	return result, true, err
}
