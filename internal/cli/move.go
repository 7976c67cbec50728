package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"crier/internal/admin"
	"crier/internal/app"
)

// moveFlags are those of crier move.
type moveFlags struct{ yes, status, cancel, webfinger, former bool }

func moveCommand() command {
	var f moveFlags
	return command{
		use: "move TARGET", short: "Move the followers to another account", more: 1,
		long: `Moves the followers of this account to TARGET, a handle ("@user@example.com") or an
address, on any server of the fediverse: each follower's server lets them follow there instead.
TARGET has to say first that it is also known as this account; that and everything else that
other servers check is checked before, and you are asked before anything happens. It needs the
daemon, which goes on with it by itself.

Posts do not move. This account stays where it is and says where you are now, so let crier run
on, for years if you can: servers that come late look there. Nothing new is published meanwhile.

With --former it is the account named by "former" in the configuration that moves, to this one.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			yesFlag(cmd, &f.yes)
			cmd.Flags().BoolVar(&f.status, "status", false, "show how far the move is")
			cmd.Flags().BoolVar(&f.cancel, "cancel", false, "come back: publish here again; who has gone over does not return")
			cmd.Flags().BoolVar(&f.webfinger, "webfinger", false, "let this account's handle lead to the new account as well")
			cmd.Flags().BoolVar(&f.former, "former", false, "move the former account here")
		},
		run: func(ctx context.Context, e *env, args []string) error { return move(ctx, e, f, args) },
	}
}

func move(ctx context.Context, e *env, f moveFlags, args []string) error {
	const path = "crier move"
	switch {
	case f.status && f.cancel:
		return usagef(path, "only one of --status and --cancel makes sense")
	case (f.status || f.cancel || f.former) && len(args) > 0:
		return usagef(path, "unexpected word %q: the target is known already", args[0])
	case (f.status || f.cancel) && f.webfinger:
		return usagef(path, "--webfinger goes with a TARGET")
	case !f.status && !f.cancel && !f.former && len(args) == 0:
		return usagef(path, "something is missing: crier move TARGET")
	}
	return e.withOperator(ctx, app.StoreRead, func(o operator) error {
		switch {
		case f.status:
			s, err := o.MoveStatus(ctx, f.former)
			return e.showMove(s, err)
		case f.cancel:
			return cancelMove(ctx, e, o, f)
		}
		r := admin.MoveRequest{WebFinger: f.webfinger, Former: f.former}
		if len(args) > 0 {
			r.Target = args[0]
		}
		return beginMove(ctx, e, o, r, f.yes)
	})
}

func beginMove(ctx context.Context, e *env, o operator, r admin.MoveRequest, yes bool) error {
	plan, err := o.PlanMove(ctx, r)
	if err != nil {
		return err
	}
	if !e.json {
		showPlan(e.display(), plan)
	}
	if !plan.OK() {
		if e.json {
			if err := e.printJSON(plan); err != nil {
				return err
			}
		}
		return errors.New("nothing was moved; mend what is marked first")
	}
	if err := e.confirm(yes, "Move the followers of @"+plan.From+" to "+targetName(plan.Handle, plan.Target)+"?"); err != nil {
		return err
	}
	if _, err := o.BeginMove(ctx, r); err != nil {
		return err
	}
	s, err := o.MoveStatus(ctx, r.Former)
	if err != nil || e.json {
		return e.showMove(s, err)
	}
	fmt.Fprintf(e.Out, "\nthe move has begun; crier tells the followers' servers now, and goes on by itself\n"+
		"see how far it is with: crier move --status%s\n", formerFlag(r.Former))
	return nil
}

func formerFlag(former bool) string {
	if former {
		return " --former"
	}
	return ""
}

func targetName(handle, id string) string {
	if handle != "" {
		return "@" + line(handle)
	}
	return line(id)
}

// errNobodyToAsk is what a command says that wants to be sure, where nobody can be asked.
var errNobodyToAsk = errors.New("nothing was done: there is no terminal to ask on; say --yes if you are sure")

// confirm asks on a terminal. Where nobody can be asked it refuses, unless the answer was given with --yes.
func (e *env) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	in, ok := e.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return errNobodyToAsk
	}
	fmt.Fprintf(e.Out, "\n%s Type yes: ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

// showPlan shows what was checked and what will happen.
func showPlan(d display, p admin.MovePlan) {
	fmt.Fprintf(d, "@%s moves to %s\n", line(p.From), targetName(p.Handle, p.Target))
	for _, c := range p.Checks {
		mark, said, colour := "✓", c.What, text.FgGreen
		if !c.OK {
			mark, said, colour = "✗", c.Mend, text.FgRed
		}
		for i, part := range d.wrapped(line(said), 4) {
			if i > 0 {
				mark = " "
			}
			fmt.Fprintf(d, "  %s %s\n", d.paint(mark, colour), strings.TrimRight(part, " "))
		}
	}
	if !p.OK() {
		return
	}
	fmt.Fprintf(d, "\nWhat will happen:\n")
	will := []string{
		"the profile says that you are at the new address now",
		counted(p.Followers, "follower") + " are asked to follow there instead; their servers do it, by themselves",
		"nobody new can follow here, and nothing new is published here; what there is stays",
		"other servers take no further move of yours for up to 30 days",
	}
	if p.Followers == 1 {
		will[1] = "1 follower is asked to follow there instead; the server does it, by itself"
	}
	if p.Locked {
		will = append(will, "the new account approves its followers by hand: switch that off there first, or each one waits")
	}
	if p.WebFinger {
		will = append(will, "who looks up @"+p.From+" finds the new account; where your blog serves a saved WebFinger file, save it anew")
	}
	for _, w := range will {
		for i, part := range d.wrapped(line(w), 4) {
			fmt.Fprintf(d, "  %s %s\n", map[bool]string{true: "-", false: " "}[i == 0], strings.TrimRight(part, " "))
		}
	}
}

func cancelMove(ctx context.Context, e *env, o operator, f moveFlags) error {
	before, err := o.MoveStatus(ctx, f.former)
	if err != nil {
		return err
	}
	if before.Phase != "none" && !e.json {
		fmt.Fprintln(e.Out, whoIsGone(before.Left, before.Followers))
	}
	if before.Phase != "none" {
		if err := e.confirm(f.yes, "Come back from "+targetName(before.Handle, before.Target)+"?"); err != nil {
			return err
		}
	}
	s, err := o.CancelMove(ctx, f.former)
	if err != nil {
		return err
	}
	if e.json {
		return e.printJSON(s)
	}
	showCancelled(e.display(), s, f.former)
	return nil
}

// whoIsGone tells how many followers have left since the move began, which its end does not change.
func whoIsGone(left, followers int) string {
	switch {
	case left == 0:
		return "nobody has gone over yet"
	case left == 1:
		return fmt.Sprintf("1 of %s is gone, and does not come back by this", counted(followers, "follower"))
	}
	return fmt.Sprintf("%d of %s are gone, and do not come back by this", left, counted(followers, "follower"))
}

// showCancelled tells what is so again. The former account reads no feed, so nothing begins to be published there.
func showCancelled(d display, s admin.MoveStatus, former bool) {
	if former {
		fmt.Fprintf(d, "the move is cancelled; @%s does not say any more that it has moved\n", line(s.From))
		return
	}
	fmt.Fprintln(d, "the move is cancelled; entries are published here again")
	if s.Held > 0 {
		fmt.Fprintf(d, "%d entries that came meanwhile are held: crier poll --release sends them,\n"+
			"crier poll --discard keeps them unsent\n", s.Held)
	}
}

func (e *env) showMove(s admin.MoveStatus, err error) error {
	if err != nil {
		return err
	}
	if e.json {
		return e.printJSON(s)
	}
	printMove(e.display(), s, time.Now())
	return nil
}

func printMove(d display, s admin.MoveStatus, now time.Time) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(d, "%-10s %s\n", name, d.fit(line(fmt.Sprintf(format, args...)), 11))
	}
	row("account", "@%s", s.From)
	if s.Phase == "none" {
		row("moved", "no")
		if s.Next.After(now) {
			row("next", "it may move again on %s", day(s.Next))
		}
		return
	}
	row("moved to", "%s", targetName(s.Handle, s.Target))
	row("", "%s", s.Target)
	row("begun", "%s", moment(s.Begun))
	switch s.Phase {
	case "telling":
		row("now", "telling the followers' servers that the profile has moved: %d to go", s.Telling.Pending)
		row("", "the Move follows, in two minutes at the latest")
	case "sending":
		row("now", "telling them to move: %d to go", s.Waiting.Pending+s.Waiting.Retrying)
	default:
		row("now", "everybody was told")
	}
	if !s.Sent.IsZero() {
		failed := ""
		if n := s.Refused + s.Waiting.Parked; n > 0 {
			failed = fmt.Sprintf(", %d failed", n)
		}
		if s.Waiting.Retrying > 0 {
			failed += fmt.Sprintf(", %d tried again", s.Waiting.Retrying)
		}
		row("Move", "delivered to %s%s", inboxes(s.Delivered), failed)
	}
	row("followers", "%d of %d have gone over", s.Left, s.Followers)
}

func inboxes(n int) string {
	if n == 1 {
		return "1 inbox"
	}
	return fmt.Sprintf("%d inboxes", n)
}
