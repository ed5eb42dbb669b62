// KEDA's polls of a scaler that runs several times, with the gRPC library that KEDA uses.
//
// `poll MILLISECONDS REQUEST ADDRESS...` asks GetMetrics at that interval, as KEDA does:
// one channel to all addresses in turn, no deadline, one more try at once when a call
// fails. REQUEST is a serialized message in hexadecimal digits. For each poll it prints
// the milliseconds it took and its error, or ok, until its standard input is closed.
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// raw passes messages through as they are.
type raw struct{}

func (raw) Marshal(message any) ([]byte, error) { return message.([]byte), nil }
func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

func ask(line *grpc.ClientConn, request []byte) error {
	var answer []byte
	return line.Invoke(context.Background(), "/externalscaler.ExternalScaler/GetMetrics", request, &answer, grpc.ForceCodec(raw{}))
}

func main() {
	interval, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	request, err := hex.DecodeString(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	name := manual.NewBuilderWithScheme("pods") // what the headless Service's name gives
	state := resolver.State{}
	for _, address := range os.Args[3:] {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	name.InitialState(state)
	line, err := grpc.NewClient("pods:///scaler", grpc.WithResolvers(name),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		begun := time.Now()
		err := ask(line, request)
		if err != nil {
			err = ask(line, request)
		}
		said := "ok"
		if err != nil {
			said = err.Error()
		}
		fmt.Printf("%d %s\n", time.Since(begun).Milliseconds(), said)
		time.Sleep(time.Duration(interval)*time.Millisecond - time.Since(begun))
	}
}
