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
	sessionMillis   = 45_000
	rebalanceMillis = 60_000
	secondsMax      = 2 * time.Minute
)

// member is one member of a group on a connection of its own.
type member struct {
	*connection
	group, topic string
	topicID      [16]byte
	// How many members the generation has that this one leads; 0 where another leads.
	size int
	// How many partitions the topic has.
	partitions int
	id         string
	generation int32
	// Of the new protocol: what the coordinator has given it, by partition.
	owned []int32
}

// protocol is one of the two. A heartbeat tells whether the group changes, and the member is to join again.
type protocol interface {
	join(m *member) error
	heartbeat(m *member) (changed bool, err error)
	leave(m *member) error
	// settled says whether the members of one group, as they were last seen, share everything.
	settled(group []member) bool
}

// members has all groups join, beat for a while, and lose a member each.
func members(mode, address, topic string, groups, size int, lasting time.Duration) error {
	var speaks protocol = classic{}
	if mode == "consumer" {
		speaks = consumer{}
	}
	all, err := connect(address, topic, groups, size)
	if err != nil {
		return err
	}
	fmt.Printf("connected members=%d\n", groups*size)
	begin := time.Now()
	times, err := each(all, func(_ int, group []*member) (time.Duration, error) { return gather(speaks, group, begin, false) })
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	told("joined", times)
	beats := atomic.Int64{}
	begin = time.Now()
	if _, err := each(all, func(_ int, group []*member) (time.Duration, error) { return 0, beat(speaks, group, lasting, &beats) }); err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	fmt.Printf("beaten heartbeats-per-second=%.0f\n", float64(beats.Load())/time.Since(begin).Seconds())
	times, err = each(all, func(_ int, group []*member) (time.Duration, error) {
		if err := speaks.leave(group[0]); err != nil {
			return 0, err
		}
		return gather(speaks, group[1:], time.Now(), true)
	})
	if err != nil {
		return fmt.Errorf("rebalance: %w", err)
	}
	told("rebalanced", times)
	return nil
}

func connect(address, topic string, groups, size int) ([][]*member, error) {
	first, err := dial(address)
	if err != nil {
		return nil, err
	}
	request := kmsg.NewPtrMetadataRequest()
	request.SetVersion(metadataVersion)
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = &topic
	request.Topics = append(request.Topics, wanted)
	response, err := first.ask(request)
	if err != nil {
		return nil, err
	}
	found := response.(*kmsg.MetadataResponse).Topics[0]
	all := make([][]*member, groups)
	_, err = each(make([][]*member, groups), func(at int, _ []*member) (time.Duration, error) {
		for range size {
			c, err := dial(address)
			if err != nil {
				return 0, err
			}
			all[at] = append(all[at], &member{connection: c, group: name(at), topic: topic,
				topicID: found.TopicID, partitions: len(found.Partitions)})
		}
		return 0, nil
	})
	return all, err
}

// each does the same with every group at once, and returns what it took.
func each(all [][]*member, work func(int, []*member) (time.Duration, error)) ([]time.Duration, error) {
	times, failures := make([]time.Duration, len(all)), make([]error, len(all))
	var running sync.WaitGroup
	for at, group := range all {
		running.Go(func() { times[at], failures[at] = work(at, group) })
	}
	running.Wait()
	return times, first(failures)
}

// gather goes on until the members share their topic, and returns how long that took since `begin`. Every member goes its
// own way: one that waits to join waits for those that have not heard of it yet.
func gather(speaks protocol, group []*member, begin time.Time, again bool) (time.Duration, error) {
	var lock sync.Mutex
	var took time.Duration
	seen := make([]member, len(group))
	err := together(group, func(at int, m *member) error {
		if !again {
			if err := speaks.join(m); err != nil {
				return err
			}
		}
		for {
			lock.Lock()
			seen[at] = *m
			if took == 0 && speaks.settled(seen) {
				took = time.Since(begin)
			}
			done := took != 0
			lock.Unlock()
			if done {
				return nil
			}
			if time.Since(begin) > secondsMax {
				return fmt.Errorf("group %s does not settle", m.group)
			}
			time.Sleep(heartbeatInterval)
			changed, err := speaks.heartbeat(m)
			if changed && err == nil {
				err = speaks.join(m)
			}
			if err != nil {
				return err
			}
		}
	})
	return took, err
}

// together does the same with every member at once, and returns the error that came first: others may follow from it.
func together(group []*member, work func(int, *member) error) error {
	failures := make(chan error, len(group))
	var running sync.WaitGroup
	for at, m := range group {
		running.Go(func() {
			if err := work(at, m); err != nil {
				failures <- err
			}
		})
	}
	running.Wait()
	close(failures)
	return <-failures
}

// first is one of what went wrong: thousands may fail for the same reason.
func first(failures []error) error {
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func beat(speaks protocol, group []*member, lasting time.Duration, beats *atomic.Int64) error {
	return together(group, func(_ int, m *member) error {
		for end := time.Now().Add(lasting); time.Now().Before(end); time.Sleep(heartbeatInterval) {
			changed, err := speaks.heartbeat(m)
			if err != nil {
				return err
			}
			if changed {
				return fmt.Errorf("group %s is rebalanced though nothing has changed", m.group)
			}
			beats.Add(1)
		}
		return nil
	})
}

// classic is the protocol of JoinGroup and SyncGroup. The leader gives everybody ten bytes.
type classic struct{}

func (classic) join(m *member) error {
	for {
		joined, err := m.joinGroup()
		if err != nil {
			return err
		}
		code, err := m.syncGroup(joined)
		if err != nil {
			return err
		}
		if kerr.ErrorForCode(code) != kerr.RebalanceInProgress {
			return kerr.ErrorForCode(code)
		}
	}
}

func (m *member) joinGroup() (*kmsg.JoinGroupResponse, error) {
	request := kmsg.NewPtrJoinGroupRequest()
	request.SetVersion(joinVersion)
	request.Group, request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = m.group, sessionMillis, rebalanceMillis
	request.ProtocolType = "consumer"
	metadata := kmsg.NewConsumerMemberMetadata()
	metadata.Topics = []string{m.topic}
	offered := kmsg.NewJoinGroupRequestProtocol()
	offered.Name, offered.Metadata = "range", metadata.AppendTo(nil)
	request.Protocols = append(request.Protocols, offered)
	for {
		request.MemberID = m.id
		response, err := m.ask(request)
		if err != nil {
			return nil, err
		}
		joined := response.(*kmsg.JoinGroupResponse)
		switch err := kerr.ErrorForCode(joined.ErrorCode); {
		case err == kerr.MemberIDRequired:
			m.id = joined.MemberID
		case isPassing(joined.ErrorCode):
			time.Sleep(5 * time.Millisecond)
		case err != nil:
			return nil, err
		default:
			m.id, m.generation = joined.MemberID, joined.Generation
			return joined, nil
		}
	}
}

func (m *member) syncGroup(joined *kmsg.JoinGroupResponse) (int16, error) {
	request := kmsg.NewPtrSyncGroupRequest()
	request.SetVersion(syncVersion)
	request.Group, request.MemberID, request.Generation = m.group, m.id, m.generation
	request.ProtocolType, request.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("range")
	for _, other := range joined.Members {
		assigned := kmsg.NewSyncGroupRequestGroupAssignment()
		assigned.MemberID, assigned.MemberAssignment = other.MemberID, make([]byte, 10)
		request.GroupAssignment = append(request.GroupAssignment, assigned)
	}
	// Whoever leads knows how many there are.
	if joined.LeaderID == m.id {
		m.size = len(joined.Members)
	} else {
		m.size = 0
	}
	response, err := m.ask(request)
	if err != nil {
		return 0, err
	}
	return response.(*kmsg.SyncGroupResponse).ErrorCode, nil
}

func (classic) heartbeat(m *member) (bool, error) {
	request := kmsg.NewPtrHeartbeatRequest()
	request.SetVersion(heartbeatVersion)
	request.Group, request.MemberID, request.Generation = m.group, m.id, m.generation
	response, err := m.ask(request)
	if err != nil {
		return false, err
	}
	err = kerr.ErrorForCode(response.(*kmsg.HeartbeatResponse).ErrorCode)
	if err == kerr.RebalanceInProgress {
		return true, nil
	}
	return false, err
}

func (classic) leave(m *member) error {
	request := kmsg.NewPtrLeaveGroupRequest()
	request.SetVersion(leaveVersion)
	request.Group = m.group
	leaving := kmsg.NewLeaveGroupRequestMember()
	leaving.MemberID = m.id
	request.Members = append(request.Members, leaving)
	response, err := m.ask(request)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(response.(*kmsg.LeaveGroupResponse).ErrorCode)
}

// settled: all are in one generation, which holds as many as there are.
func (classic) settled(group []member) bool {
	size := 0
	for _, m := range group {
		if m.generation != group[0].generation {
			return false
		}
		size += m.size
	}
	return size == len(group)
}

// consumer is the protocol of KIP-848: heartbeats say everything.
type consumer struct{}

func (consumer) join(m *member) error {
	if m.id != "" {
		return nil
	}
	m.id = fmt.Sprintf("%s-%p", m.group, m)
	return m.consumerHeartbeat(0, true)
}

func (m *member) consumerHeartbeat(epoch int32, full bool) error {
	request := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	request.SetVersion(consumerVersion)
	request.Group, request.MemberID, request.MemberEpoch = m.group, m.id, epoch
	request.RebalanceTimeoutMillis = -1
	if full {
		request.RebalanceTimeoutMillis = rebalanceMillis
		request.SubscribedTopicNames = []string{m.topic}
		request.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	} else if epoch > 0 {
		owned := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		owned.TopicID, owned.Partitions = m.topicID, m.owned
		request.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{owned}
	}
	for {
		response, err := m.ask(request)
		if err != nil {
			return err
		}
		answered := response.(*kmsg.ConsumerGroupHeartbeatResponse)
		if isPassing(answered.ErrorCode) {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		m.generation = answered.MemberEpoch
		if answered.Assignment != nil {
			m.owned = nil
			for _, topic := range answered.Assignment.Topics {
				m.owned = append(m.owned, topic.Partitions...)
			}
		}
		return kerr.ErrorForCode(answered.ErrorCode)
	}
}

func (consumer) heartbeat(m *member) (bool, error) {
	before := m.generation
	err := m.consumerHeartbeat(m.generation, false)
	return m.generation != before, err
}

func (consumer) leave(m *member) error {
	return m.consumerHeartbeat(-1, false)
}

// settled: all are in one epoch, have some, and every partition is somebody's.
func (consumer) settled(group []member) bool {
	owned := map[int32]bool{}
	for _, m := range group {
		if m.generation != group[0].generation || len(m.owned) == 0 {
			return false
		}
		for _, partition := range m.owned {
			owned[partition] = true
		}
	}
	return len(owned) == group[0].partitions
}
