// Command pion_sfu is the peer that the forwarding benchmark runs beside visavis: one publisher, its video forwarded to
// any number of subscribers, nothing else. It is set up to be as lean as Pion allows.
//
//	POST /publish         an SDP offer; the answer comes back
//	POST /subscribe       nothing; {"id", "sdp"} comes back, sdp an offer
//	POST /subscribe/{id}  the SDP answer to that offer
//
// It prints one JSON line, {"http": "127.0.0.1:port"}, when it listens.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
)

const maxBodyBytes = 64 << 10

func main() {
	config := Config{}
	flag.StringVar(&config.IO, "io", "mux", "sockets: one per connection; mux: one for all; batch: one for all, written by sendmmsg")
	flag.BoolVar(&config.Nack, "nack", false, "keep packets and answer NACKs, ask for lost ones, send reports")
	gcPercent := flag.Int("gc", 800, "GOGC: how much the heap grows between collections, in percent")
	flag.Parse()
	debug.SetGCPercent(*gcPercent)

	sfu, err := NewSFU(config)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
		respond(w, func() (string, error) {
			offer, err := readBody(w, r)
			if err != nil {
				return "", err
			}
			return sfu.Publish(offer)
		})
	})
	mux.HandleFunc("POST /subscribe", func(w http.ResponseWriter, r *http.Request) {
		respond(w, func() (string, error) {
			id, offer, err := sfu.Subscribe()
			if err != nil {
				return "", err
			}
			body, err := json.Marshal(map[string]string{"id": id, "sdp": offer})
			return string(body), err
		})
	})
	mux.HandleFunc("POST /subscribe/{id}", func(w http.ResponseWriter, r *http.Request) {
		respond(w, func() (string, error) {
			answer, err := readBody(w, r)
			if err != nil {
				return "", err
			}
			return "", sfu.Answer(r.PathValue("id"), answer)
		})
	})
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"http": listener.Addr().String()}); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, mux))
}

func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	return string(body), err
}

func respond(w http.ResponseWriter, handle func() (string, error)) {
	body, err := handle()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, body)
}
