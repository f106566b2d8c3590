// Many groups on one node, by a client that costs little: the bare protocol, a connection for each member.
//
//	scale classic|consumer ADDRESS TOPIC GROUPS MEMBERS SECONDS   join, beat for a while, one member of each group leaves
//	scale commit ADDRESS TOPIC GROUPS PARTITIONS SECONDS          every group commits every partition, then commits at full speed
//	scale fetch ADDRESS TOPIC GROUPS PARTITIONS                   until every committed offset is told
//
// Each phase prints a line when it ends: its name, and figures as name=value, seconds.
package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"
)

const heartbeatInterval = time.Second

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 6 {
		return fmt.Errorf("too few arguments")
	}
	numbers := []int{}
	for _, text := range os.Args[4:] {
		number, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		numbers = append(numbers, number)
	}
	first, err := dial(os.Args[2])
	if err != nil {
		return err
	}
	if err := findCoordinator(first, name(0)); err != nil {
		return err
	}
	switch mode := os.Args[1]; mode {
	case "classic", "consumer":
		return members(mode, os.Args[2], os.Args[3], numbers[0], numbers[1], time.Duration(numbers[2])*time.Second)
	case "commit":
		return commits(os.Args[2], os.Args[3], numbers[0], numbers[1], time.Duration(numbers[2])*time.Second)
	case "fetch":
		return fetchAll(first, os.Args[3], numbers[0], numbers[1])
	default:
		return fmt.Errorf("unknown: %s", mode)
	}
}

func name(group int) string {
	return fmt.Sprintf("scale-%05d", group)
}

func told(phase string, times []time.Duration) {
	slices.Sort(times)
	at := func(share float64) float64 { return times[int(share*float64(len(times)-1))].Seconds() }
	fmt.Printf("%s p50=%.3f p99=%.3f max=%.3f\n", phase, at(0.5), at(0.99), at(1))
}
