package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

const idleSteps = 10

// idle opens pairs and says how much memory was resident with so many of them.
func idle(job job) ([][2]int, error) {
	ends := []*end{}
	resident := [][2]int{}
	for number := range job.Pairs + 1 {
		if number%max(1, job.Pairs/idleSteps) == 0 {
			runtime.GC()
			debug.FreeOSMemory()
			held, err := residentBytes()
			if err != nil {
				return nil, err
			}
			resident = append(resident, [2]int{number, held})
		}
		if number < job.Pairs {
			pair, err := openPair(job)
			if err != nil {
				return nil, err
			}
			ends = append(ends, pair[:]...)
		}
	}
	runtime.KeepAlive(ends)
	return resident, nil
}

func openPair(job job) ([2]*end, error) {
	pair := [2]*end{}
	for number := range pair {
		made, err := newEnd(job)
		if err != nil {
			return pair, err
		}
		pair[number] = made
	}
	offer, err := pair[0].offer()
	if err != nil {
		return pair, err
	}
	answer, err := pair[1].answer(offer)
	if err != nil {
		return pair, err
	}
	return pair, pair[0].takeAnswer(answer)
}

func residentBytes() (int, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages := 0
	if _, err := fmt.Sscan(strings.SplitN(string(text), " ", 2)[1], &pages); err != nil {
		return 0, fmt.Errorf("/proc/self/statm holds %q", text)
	}
	return pages * os.Getpagesize(), nil
}
