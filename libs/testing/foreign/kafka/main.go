// A program of another team, on Kafka: a plain writer, and a reader in a consumer group that commits what it has read.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	"foreign/bodies"

	"github.com/segmentio/kafka-go"
)

func main() {
	brokers, topic := strings.Split(os.Getenv("KAFKA_BROKERS"), ","), os.Getenv("PLACE")
	if os.Args[1] == "write" {
		write(brokers, topic)
	} else {
		read(brokers, topic)
	}
}

func write(brokers []string, topic string) {
	writer := &kafka.Writer{Addr: kafka.TCP(brokers...), Topic: topic, Balancer: &kafka.LeastBytes{}}
	var messages []kafka.Message
	bodies.Each(func(body []byte) error {
		messages = append(messages, kafka.Message{Value: body})
		return nil
	})
	if err := writer.WriteMessages(context.Background(), messages...); err != nil {
		log.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		log.Fatal(err)
	}
}

func read(brokers []string, topic string) {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, GroupID: "warehouse", Topic: topic})
	for {
		message, err := reader.ReadMessage(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		bodies.Print(message.Value)
	}
}
