package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	committers = 16
	inFlight   = 32
)

func commitRequest(group, topic string, from, to int, offset int64) *kmsg.OffsetCommitRequest {
	request := kmsg.NewPtrOffsetCommitRequest()
	request.SetVersion(commitVersion)
	request.Group = group
	request.Generation = -1
	of := kmsg.NewOffsetCommitRequestTopic()
	of.Topic = topic
	for p := from; p < to; p++ {
		partition := kmsg.NewOffsetCommitRequestTopicPartition()
		partition.Partition, partition.Offset = int32(p), offset
		of.Partitions = append(of.Partitions, partition)
	}
	request.Topics = append(request.Topics, of)
	return request
}

func committed(response kmsg.Response) int16 {
	for _, topic := range response.(*kmsg.OffsetCommitResponse).Topics {
		for _, partition := range topic.Partitions {
			if partition.ErrorCode != 0 {
				return partition.ErrorCode
			}
		}
	}
	return 0
}

// commits fills every offset, then commits one partition at a time over a few pipelined connections.
func commits(address, topic string, groups, partitions int, lasting time.Duration) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	begin := time.Now()
	for group := range groups {
		request := commitRequest(name(group), topic, 0, partitions, 1)
		err := await("commit", func() (int16, error) {
			response, err := c.ask(request)
			if err != nil {
				return 0, err
			}
			return committed(response), nil
		})
		if err != nil {
			return err
		}
	}
	fmt.Printf("filled offsets=%d seconds=%.3f\n", groups*partitions, time.Since(begin).Seconds())
	var done atomic.Int64
	failed := make(chan error, committers)
	end := time.Now().Add(lasting)
	begin = time.Now()
	var all sync.WaitGroup
	for number := range committers {
		all.Go(func() {
			if err := commitFor(address, topic, groups, partitions, number, end, &done); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	fmt.Printf("committed per-second=%.0f\n", float64(done.Load())/time.Since(begin).Seconds())
	return nil
}

func commitFor(address, topic string, groups, partitions, number int, end time.Time, done *atomic.Int64) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	window := make(chan *kmsg.OffsetCommitRequest, inFlight)
	answered := make(chan error, 1)
	go func() {
		for request := range window {
			response, err := c.receive(request)
			if err == nil {
				err = kerr.ErrorForCode(committed(response))
			}
			if err != nil {
				answered <- err
				c.socket.Close()
				return
			}
			done.Add(1)
		}
		answered <- nil
	}()
	for i := number; time.Now().Before(end); i += committers {
		partition := i / groups % partitions
		request := commitRequest(name(i%groups), topic, partition, partition+1, int64(i))
		if err := c.send(request); err != nil {
			break
		}
		select {
		case window <- request:
		case err := <-answered:
			return err
		}
	}
	close(window)
	return <-answered
}

// fetchAll asks for all offsets of each group until the coordinator has them.
func fetchAll(c *connection, topic string, groups, partitions int) error {
	begin, count := time.Now(), 0
	for group := range groups {
		request := kmsg.NewPtrOffsetFetchRequest()
		request.SetVersion(fetchVersion)
		of := kmsg.NewOffsetFetchRequestGroup()
		of.Group = name(group)
		request.Groups = append(request.Groups, of)
		err := await("fetch", func() (int16, error) {
			response, err := c.ask(request)
			if err != nil {
				return 0, err
			}
			answered := response.(*kmsg.OffsetFetchResponse).Groups[0]
			for _, told := range answered.Topics {
				if told.Topic == topic {
					count += len(told.Partitions)
				}
			}
			return answered.ErrorCode, nil
		})
		if err != nil {
			return err
		}
	}
	if count != groups*partitions {
		return fmt.Errorf("%d offsets are told, not %d", count, groups*partitions)
	}
	fmt.Printf("fetched offsets=%d seconds=%.3f\n", count, time.Since(begin).Seconds())
	return nil
}
