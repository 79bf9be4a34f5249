// A program of another team, on NSQ: it publishes to one nsqd, and reads through nsqlookupd on a channel of its own.
package main

import (
	"log"
	"os"
	"strings"
	"time"

	"foreign/bodies"

	"github.com/nsqio/go-nsq"
)

func main() {
	topic := os.Getenv("PLACE")
	if os.Args[1] == "write" {
		write(topic)
	} else {
		read(topic)
	}
}

func write(topic string) {
	producer, err := nsq.NewProducer(strings.Split(os.Getenv("NSQD_ADDRESSES"), ",")[0], nsq.NewConfig())
	check(err)
	defer producer.Stop()
	bodies.Each(func(body []byte) error { return producer.Publish(topic, body) })
}

func read(topic string) {
	config := nsq.NewConfig()
	// The default of a minute is long for a test.
	config.LookupdPollInterval = time.Second
	consumer, err := nsq.NewConsumer(topic, "warehouse", config)
	check(err)
	consumer.AddHandler(nsq.HandlerFunc(func(message *nsq.Message) error {
		bodies.Print(message.Body)
		return nil
	}))
	check(consumer.ConnectToNSQLookupds(strings.Split(os.Getenv("NSQLOOKUPD_ADDRESSES"), ",")))
	<-consumer.StopChan
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
