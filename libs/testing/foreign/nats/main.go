// A program of another team, on core NATS: it publishes and flushes, and reads as one of a queue group.
package main

import (
	"log"
	"os"

	"foreign/bodies"

	"github.com/nats-io/nats.go"
)

func main() {
	subject := os.Getenv("PLACE")
	connection, err := nats.Connect(os.Getenv("NATS_URL"), nats.MaxReconnects(-1))
	check(err)
	defer connection.Close()
	if os.Args[1] == "write" {
		bodies.Each(func(body []byte) error { return connection.Publish(subject, body) })
		check(connection.Flush())
		return
	}
	_, err = connection.QueueSubscribe(subject, "warehouse", func(message *nats.Msg) { bodies.Print(message.Data) })
	check(err)
	check(connection.Flush())
	log.Print("ready")
	select {}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
