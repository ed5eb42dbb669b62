// A KEDA that calls as fast as it can, with the gRPC library that KEDA uses.
//
// For each line `METHOD CONCURRENT CALLS REQUEST` on its standard input (REQUEST is a
// serialized message in hexadecimal digits) it makes that many calls, so many at a time
// over one channel, and prints the seconds that all took and each call's milliseconds
// as JSON: what benchmarks.scaler_client does, at a fraction of its cost.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// raw passes messages through as they are.
type raw struct{}

func (raw) Marshal(message any) ([]byte, error) { return message.([]byte), nil }
func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

func measure(line *grpc.ClientConn, method string, concurrent, calls int, request []byte) (float64, []float64) {
	took := make([]float64, calls)
	next := make(chan int, calls)
	for number := range calls {
		next <- number
	}
	close(next)
	begun := time.Now()
	var all sync.WaitGroup
	for range concurrent {
		all.Add(1)
		go func() {
			defer all.Done()
			for number := range next {
				start := time.Now()
				var answer []byte
				err := line.Invoke(context.Background(), "/externalscaler.ExternalScaler/"+method, request, &answer, grpc.ForceCodec(raw{}))
				if err != nil {
					log.Fatal(err)
				}
				took[number] = time.Since(start).Seconds() * 1000
			}
		}()
	}
	all.Wait()
	return time.Since(begun).Seconds(), took
}

func main() {
	line, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var method, digits string
		var concurrent, calls int
		if _, err := fmt.Sscan(lines.Text(), &method, &concurrent, &calls, &digits); err != nil {
			log.Fatal(err)
		}
		request, err := hex.DecodeString(digits)
		if err != nil {
			log.Fatal(err)
		}
		seconds, took := measure(line, method, concurrent, calls, request)
		if err := json.NewEncoder(os.Stdout).Encode([]any{seconds, took}); err != nil {
			log.Fatal(err)
		}
	}
}
