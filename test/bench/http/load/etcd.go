package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const clientsPerConnection = 8

type etcdTarget struct {
	address string
	lock    sync.Mutex
	shared  *clientv3.Client
	users   int
}

type etcdClient struct{ *clientv3.Client }

func (t *etcdTarget) open() (*etcdClient, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.shared == nil || t.users == clientsPerConnection {
		opened, err := clientv3.New(clientv3.Config{Endpoints: []string{t.address}, DialTimeout: 5 * time.Second})
		if err != nil {
			return nil, err
		}
		t.shared, t.users = opened, 0
	}
	t.users++
	return &etcdClient{t.shared}, nil
}

func (t *etcdTarget) client() (client, error)   { return t.open() }
func (t *etcdTarget) watcher() (watcher, error) { return t.open() }

func (c *etcdClient) put(key int, value string) error {
	_, err := c.Put(context.Background(), nodes+"/"+name(key), value)
	return err
}

// Linearizable, as is every get of Windlass.
func (c *etcdClient) get(key int) error {
	answer, err := c.Get(context.Background(), nodes+"/"+name(key))
	if err == nil && answer.Count != 1 {
		err = fmt.Errorf("get found %d", answer.Count)
	}
	return err
}

func (c *etcdClient) watch(seen func(string)) error {
	events := c.Watch(context.Background(), nodes, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	if created := <-events; created.Err() != nil {
		return created.Err()
	}
	go func() {
		for answer := range events {
			for _, told := range answer.Events {
				seen(string(told.Kv.Value))
			}
		}
	}()
	return nil
}
