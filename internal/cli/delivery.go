package cli

import (
	"context"
	"fmt"

	"crier/internal/admin"
	"crier/internal/app"
)

func deliveryCommand() command {
	return command{use: "delivery", short: "The outgoing queue", subs: []command{
		deliveryListCommand(), deliveryRetryCommand(), deliveryDropCommand(),
	}}
}

func deliveryRetryCommand() command {
	return command{
		use: "retry [ACTIVITY|INBOX|HOST...]", short: "Try deliveries now", more: manyWords,
		long: `Tries now what waits to be delivered, parked deliveries too: all of it, or what is
named by the id of an activity, an inbox, or a host. Without a daemon they are due
when one starts.`,
		run: func(ctx context.Context, e *env, args []string) error {
			return e.settleDeliveries(ctx, admin.DeliveryRequest{Names: args})
		},
	}
}

func deliveryDropCommand() command {
	return command{
		use: "drop ACTIVITY|INBOX|HOST...", short: "Send deliveries no more", words: 1, more: manyWords,
		long: `Takes out of the queue what waits for the named activities, inboxes or hosts. What
is under way at this moment may still arrive.`,
		run: func(ctx context.Context, e *env, args []string) error {
			return e.settleDeliveries(ctx, admin.DeliveryRequest{Names: args, Drop: true})
		},
	}
}

// settleDeliveries asks for it and says what came of it. That nothing waits under a name is an error: the name is
// misspelt, or somebody expects too much.
func (e *env) settleDeliveries(ctx context.Context, r admin.DeliveryRequest) error {
	return e.withOperator(ctx, app.StoreRead, func(o operator) error {
		done, err := o.SettleDeliveries(ctx, r)
		switch {
		case err != nil:
			return err
		case done.Deliveries == 0 && len(r.Names) > 0:
			return fmt.Errorf("nothing waits for that; see `crier delivery list`")
		case done.Deliveries == 0:
			fmt.Fprintln(e.Out, "nothing waits")
		case r.Drop:
			fmt.Fprintf(e.Out, "dropped %s\n", deliveries(done.Deliveries))
		case done.Running:
			fmt.Fprintf(e.Out, "%s tried now\n", deliveries(done.Deliveries))
		default:
			fmt.Fprintf(e.Out, "%s tried when the daemon starts\n", deliveries(done.Deliveries))
		}
		return nil
	})
}

func deliveries(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return fmt.Sprintf("%d deliveries", n)
}
