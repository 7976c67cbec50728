package admin

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"crier/store"
)

// States of a Delivery. One that was given up for good has the reason as its state (see store.LostRefused).
const (
	StatePending  = "pending"  // never tried
	StateRetrying = "retrying" // tried in vain
	StateParked   = "parked"   // tried for a week; kept for the owner, and sent should the host come back
)

// undeliveredMost is how many deliveries ShowPost lists.
const undeliveredMost = 100

// DeliveryQuery says which deliveries are wanted.
type DeliveryQuery struct {
	Names  []string // of posts (ids or entries' addresses), activities, inboxes, hosts; none: all
	Failed bool     // those that were given up for good, instead of those that wait
}

// DeadHost is a host that has not accepted anything on seven different days.
type DeadHost struct {
	Host      string `json:"host"`
	Since     Time   `json:"since"`   // when it first failed; null where that was not written down
	Waiting   int    `json:"waiting"` // deliveries, parked ones too
	LastError string `json:"last_error"`
}

// Sent is how far one activity about a post has come.
type Sent struct {
	Activity  string `json:"activity"`
	Type      string `json:"type"`
	Inboxes   int    `json:"inboxes"` // it goes to, each that of one person or of a whole instance
	Delivered int    `json:"delivered"`
	Waiting   int    `json:"waiting"` // parked ones too
	Parked    int    `json:"parked"`
	Failed    int    `json:"failed"` // given up for good
	Last      Time   `json:"last"`   // when one was delivered last
}

// Deliveries lists what waits in the queue, oldest first.
func (o *Ops) Deliveries(ctx context.Context) ([]Delivery, error) {
	return o.FindDeliveries(ctx, DeliveryQuery{})
}

// FindDeliveries lists the deliveries that are asked for, oldest first.
func (o *Ops) FindDeliveries(_ context.Context, q DeliveryQuery) ([]Delivery, error) {
	names := o.named(q.Names)
	if q.Failed {
		return o.lost(names)
	}
	list, err := o.Store.Deliveries()
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	out := []Delivery{}
	for _, d := range list {
		is := func(name string) bool { return slices.Contains(names, name) }
		if len(names) == 0 || is(d.Activity) || is(d.Object) || is(d.Inbox) || is(d.Host) {
			out = append(out, waiting(d))
		}
	}
	return out, nil
}

// named are names as the store knows them: a post's is the id of the post.
func (o *Ops) named(names []string) []string {
	var out []string
	for _, name := range names {
		if !strings.Contains(name, "/") {
			name = strings.ToLower(name) // a host
		} else if o.Hand.Find != nil {
			if p, err := o.Hand.Find(name); err == nil {
				name = p.ID
			}
		}
		out = append(out, name)
	}
	return out
}

func waiting(d store.Delivery) Delivery {
	state := StatePending
	switch {
	case d.Parked:
		state = StateParked
	case d.LastError != "":
		state = StateRetrying
	}
	return Delivery{
		Activity: d.Activity, Type: d.Type, Object: d.Object, Inbox: d.Inbox, Host: d.Host, State: state,
		Attempts: d.Attempts, Added: d.Added, Next: d.Next, LastError: d.LastError, Parked: d.Parked,
	}
}

func (o *Ops) lost(names []string) ([]Delivery, error) {
	list, err := o.Store.Losses(time.Now(), names...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries that were given up: %w", err)
	}
	out := []Delivery{}
	for _, l := range list {
		out = append(out, Delivery{
			Activity: l.Activity, Type: l.Type, Object: l.Object, Inbox: l.Inbox, Host: l.Host, State: l.Why,
			Attempts: l.Attempts, Added: l.Added, LastError: l.Error, Ended: l.At,
		})
	}
	return out, nil
}

// sentOf fills in how far the activities about a post have come.
func (o *Ops) sentOf(ctx context.Context, d *PostDetail, object string) error {
	d.Sent, d.Undelivered = []Sent{}, []Delivery{}
	tallies, err := o.Store.TalliesOf(object)
	if err != nil {
		return fmt.Errorf("count what was delivered of %s: %w", object, err)
	}
	missing := false
	for _, t := range tallies {
		d.Sent = append(d.Sent, Sent{
			Activity: t.Activity, Type: t.Type, Inboxes: t.Inboxes(), Delivered: t.Delivered, Waiting: t.Waiting,
			Parked: t.Parked, Failed: t.Lost, Last: Time{t.Last},
		})
		missing = missing || t.Waiting+t.Lost > 0
	}
	if !missing {
		return nil
	}
	for _, failed := range []bool{true, false} {
		list, err := o.FindDeliveries(ctx, DeliveryQuery{Names: []string{object}, Failed: failed})
		if err != nil {
			return err
		}
		for _, v := range list {
			if v.State != StatePending {
				d.Undelivered = append(d.Undelivered, v)
			}
		}
	}
	d.Undelivered = d.Undelivered[:min(len(d.Undelivered), undeliveredMost)]
	return nil
}

func (o *Ops) deadHosts() ([]DeadHost, error) {
	list, err := o.Store.DeadHosts(deadDays)
	if err != nil {
		return nil, fmt.Errorf("list hosts that do not answer: %w", err)
	}
	out := []DeadHost{}
	for _, h := range list {
		out = append(out, DeadHost{Host: h.Host.Host, Since: Time{h.Since}, Waiting: h.Waiting, LastError: h.LastError})
	}
	return out, nil
}

// Deliveries lists what waits in the queue, oldest first.
func (c *Client) Deliveries(ctx context.Context) ([]Delivery, error) {
	return c.FindDeliveries(ctx, DeliveryQuery{})
}

// FindDeliveries lists the deliveries that are asked for, oldest first.
func (c *Client) FindDeliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error) {
	return get[[]Delivery](ctx, c, pathDeliveries, url.Values{"name": q.Names, "failed": {strconv.FormatBool(q.Failed)}})
}
