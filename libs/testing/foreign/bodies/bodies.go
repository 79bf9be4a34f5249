// Package bodies is how the test talks to the programs: a body a line, in base64, because some of them are no text.
package bodies

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"os"
)

// Each calls publish with each body that stands on the standard input.
func Each(publish func(body []byte) error) {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		body, err := base64.StdEncoding.DecodeString(line[:len(line)-1])
		if err != nil {
			log.Fatal(err)
		}
		if err := publish(body); err != nil {
			log.Fatal(err)
		}
	}
}

// Print tells the test of a body that was read.
func Print(body []byte) {
	fmt.Println(base64.StdEncoding.EncodeToString(body))
}
