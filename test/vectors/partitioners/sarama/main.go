// Asks sarama's own partitioners, in the form of librdkafka.c beside it.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/IBM/sarama"
)

var constructors = map[string]sarama.PartitionerConstructor{
	"sarama_hash":      sarama.NewHashPartitioner,
	"sarama_reference": sarama.NewReferenceHashPartitioner,
	"sarama_crc":       sarama.NewConsistentCRCHashPartitioner,
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		answer := map[string][]int32{}
		for name, construct := range constructors {
			if lines.Text() == "-" {
				answer[name] = nil // at random
				continue
			}
			key, err := hex.DecodeString(lines.Text())
			if err != nil {
				panic(err)
			}
			for _, argument := range os.Args[1:] {
				count, err := strconv.ParseInt(argument, 10, 32)
				if err != nil {
					panic(err)
				}
				message := &sarama.ProducerMessage{Topic: "t", Key: sarama.ByteEncoder(key)}
				chosen, err := construct("t").Partition(message, int32(count))
				if err != nil {
					panic(err)
				}
				answer[name] = append(answer[name], chosen)
			}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
