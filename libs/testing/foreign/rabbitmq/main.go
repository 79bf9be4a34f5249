// A program of another team, on RabbitMQ: a direct exchange, a durable queue without arguments, acknowledged by hand.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	"foreign/bodies"

	amqp "github.com/rabbitmq/amqp091-go"
)

func main() {
	place := strings.Split(os.Getenv("PLACE"), "/")
	exchange, key, queue := place[0], place[1], place[2]
	connection, err := amqp.Dial(os.Getenv("AMQP_URL"))
	check(err)
	defer connection.Close()
	channel, err := connection.Channel()
	check(err)
	check(channel.ExchangeDeclare(exchange, "direct", true, false, false, false, nil))
	_, err = channel.QueueDeclare(queue, true, false, false, false, nil)
	check(err)
	check(channel.QueueBind(queue, key, exchange, false, nil))
	if os.Args[1] == "write" {
		bodies.Each(func(body []byte) error {
			message := amqp.Publishing{ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: body}
			return channel.PublishWithContext(context.Background(), exchange, key, false, false, message)
		})
	} else {
		read(channel, queue)
	}
}

func read(channel *amqp.Channel, queue string) {
	check(channel.Qos(1, 0, false))
	deliveries, err := channel.Consume(queue, "", false, false, false, false, nil)
	check(err)
	for delivery := range deliveries {
		bodies.Print(delivery.Body)
		check(delivery.Ack(false))
	}
	log.Fatal("the channel was closed")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
