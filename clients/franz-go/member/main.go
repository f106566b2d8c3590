// A member of a group on franz-go. Arguments and lines: see clients/groups/program.py.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// assignment is what the member owns, told anew whenever the group has decided something about it.
type assignment struct {
	mu    sync.Mutex
	owned map[string]bool
}

func (a *assignment) change(partitions map[string][]int32, owned bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, numbers := range partitions {
		for _, number := range numbers {
			if name := fmt.Sprintf("%s:%d", topic, number); owned {
				a.owned[name] = true
			} else {
				delete(a.owned, name)
			}
		}
	}
	names := []string{}
	for name := range a.owned {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println("assigned", strings.Join(names, " "))
}

func main() {
	options := map[string]string{}
	for _, argument := range os.Args[4:] {
		key, value, _ := strings.Cut(argument, "=")
		options[key] = value
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	client, err := kgo.NewClient(configure(os.Args[1], os.Args[2], os.Args[3], options)...)
	if err == nil {
		err = loop(ctx, client)
		client.CloseAllowingRebalance()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "franz-go:", err)
		os.Exit(1)
	}
}

func configure(bootstrap, group, topic string, options map[string]string) []kgo.Opt {
	held := &assignment{owned: map[string]bool{}}
	gone := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { held.change(lost, false) }
	session, _ := strconv.Atoi(options["session"])
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
		kgo.SessionTimeout(time.Duration(session) * time.Millisecond), kgo.HeartbeatInterval(500 * time.Millisecond), kgo.BlockRebalanceOnPoll(),
		kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(100 * time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, added map[string][]int32) { held.change(added, true) }),
		kgo.OnPartitionsRevoked(gone), kgo.OnPartitionsLost(gone),
	}
	if options["pattern"] != "" {
		opts = append(opts, kgo.ConsumeRegex(), kgo.ConsumeTopics("^"+topic+".*"))
	} else {
		opts = append(opts, kgo.ConsumeTopics(topic))
	}
	switch {
	case options["protocol"] == "consumer":
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()))
	case options["assignor"] != "":
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	default:
		opts = append(opts, kgo.Balancers(kgo.RangeBalancer()))
	}
	if options["instance"] != "" {
		opts = append(opts, kgo.InstanceID(options["instance"]))
	}
	return opts
}

// loop reads and commits until it is told to stop. A commit that a rebalance refuses is no failure.
func loop(ctx context.Context, client *kgo.Client) error {
	passing := []error{kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.StaleMemberEpoch}
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		for _, failed := range fetches.Errors() {
			if !kerr.IsRetriable(failed.Err) {
				return failed.Err
			}
		}
		for _, record := range fetches.Records() {
			fmt.Println("read", record.Topic, record.Partition, record.Offset)
		}
		if err := client.CommitUncommittedOffsets(context.Background()); err == nil {
			fmt.Println("committed")
		} else if !slices.ContainsFunc(passing, func(p error) bool { return errors.Is(err, p) }) {
			return err
		}
		client.AllowRebalance()
	}
}
