package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions that are spoken: both brokers have them.
const (
	joinVersion, syncVersion, heartbeatVersion, leaveVersion = 7, 5, 4, 5
	commitVersion, fetchVersion, findVersion                 = 8, 8, 4
	metadataVersion, consumerVersion                         = 12, 1
)

// connection is one connection; requests on it are answered in order.
type connection struct {
	socket net.Conn
	reader *bufio.Reader
	format *kmsg.RequestFormatter
	next   int32
	buffer []byte
}

func dial(address string) (*connection, error) {
	socket, err := net.DialTimeout("tcp", address, 30*time.Second)
	if err != nil {
		return nil, err
	}
	return &connection{socket: socket, reader: bufio.NewReaderSize(socket, 512),
		format: kmsg.NewRequestFormatter(kmsg.FormatterClientID("scale"))}, nil
}

// send writes a request without waiting for its answer.
func (c *connection) send(request kmsg.Request) error {
	c.buffer = c.format.AppendRequest(c.buffer[:0], request, c.next)
	c.next++
	_, err := c.socket.Write(c.buffer)
	return err
}

// receive reads the answer that is due.
func (c *connection) receive(request kmsg.Request) (kmsg.Response, error) {
	var head [8]byte
	if _, err := io.ReadFull(c.reader, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:4])-4)
	if _, err := io.ReadFull(c.reader, body); err != nil {
		return nil, err
	}
	response := request.ResponseKind()
	response.SetVersion(request.GetVersion())
	if response.IsFlexible() {
		body = body[1:]
	}
	return response, response.ReadFrom(body)
}

func (c *connection) ask(request kmsg.Request) (kmsg.Response, error) {
	if err := c.send(request); err != nil {
		return nil, err
	}
	return c.receive(request)
}

// isPassing says whether the coordinator is not there yet.
func isPassing(code int16) bool {
	err := kerr.ErrorForCode(code)
	return err == kerr.CoordinatorLoadInProgress || err == kerr.CoordinatorNotAvailable || err == kerr.NotCoordinator
}

// await asks again until the coordinator is there, for at most a minute.
func await(what string, ask func() (int16, error)) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		code, err := ask()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if code == 0 {
			return nil
		}
		if !isPassing(code) || time.Now().After(deadline) {
			return fmt.Errorf("%s: %w", what, kerr.ErrorForCode(code))
		}
	}
}

// findCoordinator has the topic of groups made, where it is not there.
func findCoordinator(c *connection, group string) error {
	return await("find the coordinator", func() (int16, error) {
		request := kmsg.NewPtrFindCoordinatorRequest()
		request.SetVersion(findVersion)
		request.CoordinatorKeys = []string{group}
		response, err := c.ask(request)
		if err != nil {
			return 0, err
		}
		return response.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode, nil
	})
}
