// The smoke program on franz-go: admin, producing with every codec, consuming without a group.
// usage: smoke HOST:PORT TOPIC COUNT
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const partitions = 3

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	count, _ := strconv.Atoi(os.Args[3])
	if err := run(ctx, os.Args[1], os.Args[2], count); err != nil {
		fmt.Fprintln(os.Stderr, "franz-go:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bootstrap, topic string, count int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, partitions, 1, map[string]*string{"retention.ms": kadm.StringPtr("-1")}, topic); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	for round, codec := range codecs {
		if err := produce(ctx, bootstrap, topic, codec, round*count, count); err != nil {
			return fmt.Errorf("produce with codec %d: %w", round, err)
		}
	}
	total := count * len(codecs)
	if err := consume(ctx, bootstrap, topic, total); err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	return ends(ctx, admin, topic, total)
}

// produce sends records from..from+count, idempotently (franz-go's default), in pipelined batches.
func produce(ctx context.Context, bootstrap, topic string, codec kgo.CompressionCodec, from, count int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(codec),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	failed := make(chan error, count)
	for i := from; i < from+count; i++ {
		record := &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: []byte(strconv.Itoa(i)),
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte{1}}, {Key: "n", Value: []byte{2}}}}
		client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil {
				failed <- err
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// consume reads everything from the start and checks that each partition counts up without a gap.
func consume(ctx context.Context, bootstrap, topic string, total int) error {
	from := map[int32]kgo.Offset{}
	for p := int32(0); p < partitions; p++ {
		from[p] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		return err
	}
	defer client.Close()
	next := map[int32]int{0: 0, 1: 1, 2: 2}
	for seen := 0; seen < total; {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			return errs[0].Err
		}
		for _, record := range fetches.Records() {
			if got := string(record.Value); got != strconv.Itoa(next[record.Partition]) {
				return fmt.Errorf("partition %d offset %d: expected %d, got %s", record.Partition, record.Offset, next[record.Partition], got)
			}
			if len(record.Headers) != 2 {
				return fmt.Errorf("offset %d: %d headers", record.Offset, len(record.Headers))
			}
			next[record.Partition] += partitions
			seen++
		}
	}
	return nil
}

func ends(ctx context.Context, admin *kadm.Client, topic string, total int) error {
	listed, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	sum := 0
	listed.Each(func(o kadm.ListedOffset) { sum += int(o.Offset) })
	if sum != total {
		return fmt.Errorf("end offsets add up to %d, not %d", sum, total)
	}
	return nil
}
