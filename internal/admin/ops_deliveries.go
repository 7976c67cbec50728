package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const pathSettle = "/deliveries/settle"

// DeliveryRequest says what is to become of deliveries that wait.
type DeliveryRequest struct {
	Names []string `json:"names"` // ids of activities, inboxes, or hosts; none: all, to retry
	Drop  bool     `json:"drop"`  // they are not sent any more; else they are tried now
}

// DeliveryChange is what came of it.
type DeliveryChange struct {
	Deliveries int  `json:"deliveries"` // that were meant
	Running    bool `json:"running"`    // a daemon tries them at once
}

// SettleDeliveries has deliveries tried now, parked ones too, or drops them.
func (o *Ops) SettleDeliveries(_ context.Context, r DeliveryRequest) (DeliveryChange, error) {
	c := DeliveryChange{Running: o.Running}
	names := make([]string, len(r.Names))
	for i, name := range r.Names {
		if names[i] = name; !strings.Contains(name, "/") {
			names[i] = strings.ToLower(name) // a host
		}
	}
	var err error
	if r.Drop {
		c.Deliveries, err = o.Store.DropDeliveries(time.Now(), names...)
	} else {
		c.Deliveries, err = o.Store.RetryDeliveries(time.Now(), names...)
	}
	if err != nil {
		return DeliveryChange{}, fmt.Errorf("settle deliveries: %w", err)
	}
	if o.WakeDeliverer != nil && !r.Drop {
		o.WakeDeliverer()
	}
	return c, nil
}

// SettleDeliveries has deliveries tried now, parked ones too, or drops them.
func (c *Client) SettleDeliveries(ctx context.Context, r DeliveryRequest) (DeliveryChange, error) {
	return sendTo[DeliveryChange](ctx, c, pathSettle, r)
}

func (o *Ops) deliveryRoutes(m *http.ServeMux) {
	m.HandleFunc("GET "+pathDeliveries, answer(func(r *http.Request) (any, error) {
		failed := r.FormValue("failed") == "true" // parses the form
		return o.FindDeliveries(r.Context(), DeliveryQuery{Names: r.Form["name"], Failed: failed})
	}))
	m.HandleFunc("POST "+pathSettle, answer(func(r *http.Request) (any, error) {
		req, err := requestOf[DeliveryRequest](r)
		if err != nil {
			return nil, err
		}
		return o.SettleDeliveries(r.Context(), req)
	}))
}
