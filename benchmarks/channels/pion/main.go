// Command pion is one end of a measured pair with Pion's data channels; benchmarks/channels/end.py has the protocol.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"
)

const longestLine = 1 << 20

type job struct {
	SizeBytes  int     `json:"size_bytes"`
	Channels   int     `json:"channels"`
	PingPauseS float64 `json:"ping_pause_s"`
	Pairs      int     `json:"pairs"`
}

type line struct {
	SDP string `json:"sdp"`
	Do  string `json:"do"`
}

type counted struct {
	Messages int64   `json:"messages"`
	AtS      float64 `json:"at_s"`
}

type roundTrips struct {
	RoundTripsS []float64 `json:"round_trips_s"`
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("a role and a job are needed")
	}
	role, job := os.Args[1], job{}
	if err := json.Unmarshal([]byte(os.Args[2]), &job); err != nil {
		return err
	}
	if role == "idle" {
		resident, err := idle(job)
		if err != nil {
			return err
		}
		return say(map[string]any{"resident": resident})
	}
	end, err := newEnd(job)
	if err != nil {
		return err
	}
	if role == "offer" {
		sdp, err := end.offer()
		if err != nil {
			return err
		}
		if err := say(line{SDP: sdp}); err != nil {
			return err
		}
	}
	return play(role, end)
}

func play(role string, end *end) error {
	began := time.Now()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		told := line{}
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			return err
		}
		said, err := end.handle(role, told, began)
		if err != nil {
			return err
		}
		if said == nil {
			continue
		}
		if err := say(said); err != nil {
			return err
		}
	}
	return lines.Err()
}

// handle gives what is to be said.
func (e *end) handle(role string, told line, began time.Time) (any, error) {
	switch {
	case told.SDP != "" && role == "offer":
		return map[string]bool{"open": true}, e.takeAnswer(told.SDP)
	case told.SDP != "":
		sdp, err := e.answer(told.SDP)
		return line{SDP: sdp}, err
	case told.Do == "send":
		e.sendBulk()
	case told.Do == "ping":
		go e.sendPings()
	case told.Do == "round-trips":
		return roundTrips{e.takeRoundTrips()}, nil
	case told.Do == "count":
		return counted{e.messages.Load(), time.Since(began).Seconds()}, nil
	default:
		return nil, fmt.Errorf("there is no command %q", told.Do)
	}
	return nil, nil
}

func say(message any) error {
	return json.NewEncoder(os.Stdout).Encode(message)
}
