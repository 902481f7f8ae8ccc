// An informer of client-go on Windlass's nodes, driven by lines on its input:
//
//	fresh   waits until the informer's store equals a list that was just made, and prints it as one line of JSON: what both
//	        hold, by name, and how many events and relists there were
//	end     stops
//
// The kubeconfig is the first argument.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

var nodes = schema.GroupVersionResource{Group: "windlass.dev", Version: "v1", Resource: "nodes"}

// How long the informer may take to hold what a list shows.
const freshWithin = 60 * time.Second

type report struct {
	Equal bool              `json:"equal"`
	Held  map[string]string `json:"held"`
	List  map[string]string `json:"list"`
	// Events that handlers saw, and failures of the watch that made it resume or list again.
	Events   int64 `json:"events"`
	Failures int64 `json:"failures"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	var events, failures atomic.Int64
	informer := dynamicinformer.NewDynamicSharedInformerFactory(client, 0).ForResource(nodes).Informer()
	if err := informer.SetWatchErrorHandler(func(*cache.Reflector, error) { failures.Add(1) }); err != nil {
		return err
	}
	count := func(any) { events.Add(1) }
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: count, DeleteFunc: count, UpdateFunc: func(_, _ any) { events.Add(1) },
	}); err != nil {
		return err
	}
	stop := make(chan struct{})
	go informer.Run(stop)
	defer close(stop)
	if !cache.WaitForCacheSync(stop, informer.HasSynced) {
		return fmt.Errorf("the informer did not sync")
	}
	fmt.Println("synced")
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() && input.Text() == "fresh" {
		answer := compare(client, informer.GetStore())
		answer.Events, answer.Failures = events.Load(), failures.Load()
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	return input.Err()
}

func compare(client dynamic.Interface, store cache.Store) report {
	var answer report
	for end := time.Now().Add(freshWithin); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		list, err := client.Resource(nodes).List(context.Background(), v1.ListOptions{})
		if err != nil {
			continue
		}
		answer.List, answer.Held = map[string]string{}, map[string]string{}
		for _, item := range list.Items {
			answer.List[item.GetName()] = item.GetResourceVersion()
		}
		for _, item := range store.List() {
			object := item.(*unstructured.Unstructured)
			answer.Held[object.GetName()] = object.GetResourceVersion()
		}
		if answer.Equal = same(answer.Held, answer.List); answer.Equal {
			return answer
		}
	}
	return answer
}

func same(left, right map[string]string) bool {
	if len(left) != len(right) {
		return false
	}
	for name, version := range left {
		if right[name] != version {
			return false
		}
	}
	return true
}
