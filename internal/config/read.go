package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader takes a value into the configuration or reports what is wrong with it.
type reader func(in input)

// text reads text that parse understands. parse's error says what is wrong and what would be right.
func text[T any](dst *T, parse func(string) (T, error)) reader {
	return func(in input) {
		s, ok := in.value.(string)
		if !ok {
			in.fail("%s where text belongs; write for example %s", typeName(in.value), in.example)
			return
		}
		v, err := parse(s)
		if err != nil {
			in.fail("%s", err)
			return
		}
		*dst = v
	}
}

// boolean reads true or false.
func boolean(dst *bool) reader {
	return func(in input) {
		v, ok := in.value.(bool)
		if s, isText := in.value.(string); isText && in.from.env != "" {
			parsed, err := strconv.ParseBool(s)
			if err != nil {
				in.fail("%s is neither true nor false", quote(s))
				return
			}
			v, ok = parsed, true
		}
		if !ok {
			in.fail("%s where true or false belongs, without quotes", typeName(in.value))
			return
		}
		*dst = v
	}
}

// number reads a whole number between low and high.
func number(dst *int, low, high int64) reader {
	return func(in input) {
		v, ok := in.value.(int64)
		if s, isText := in.value.(string); isText && in.from.env != "" {
			parsed, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				in.fail("%s is not a whole number; write for example %s", quote(s), in.example)
				return
			}
			v, ok = parsed, true
		}
		switch {
		case !ok:
			in.fail("%s where a whole number belongs; write for example %s", typeName(in.value), in.example)
		case v < low || v > high:
			in.fail("%d is out of range; it goes from %d to %d", v, low, high)
		default:
			*dst = int(v)
		}
	}
}

// list reads a list of texts; in a variable they are separated by commas.
func list[T any](dst *[]T, parse func(string) (T, error)) reader {
	return func(in input) {
		values, ok := in.value.([]any)
		if s, isText := in.value.(string); isText && in.from.env != "" {
			values, ok = splitList(s), true
		}
		if !ok {
			in.fail("%s where a list belongs; write for example %s", typeName(in.value), in.example)
			return
		}
		var read []T
		for i, v := range values {
			el := in.part(indexed(in.path, i), v)
			el.example = strings.Trim(in.example, "[ ]")
			var one T
			text(&one, parse)(el)
			read = append(read, one)
			in.l.origins[el.path] = el.from
		}
		*dst = read
	}
}

func splitList(s string) []any {
	var values []any
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			values = append(values, part)
		}
	}
	return values
}

// table reads keys of the owner's choice with texts. parse gives each pair its canonical form.
func table(dst *map[string]string, parse func(key, value string) (string, string, error)) reader {
	return func(in input) {
		values, ok := in.value.(map[string]any)
		if !ok {
			in.fail("%s where a table belongs; write for example %s", typeName(in.value), in.example)
			return
		}
		read := make(map[string]string, len(values))
		for _, key := range sortedKeys(values) {
			el := in.part(joinKey(in.path, key), values[key])
			s, ok := values[key].(string)
			if !ok {
				el.fail("%s where text belongs; write for example %s", typeName(values[key]), in.example)
				continue
			}
			k, v, err := parse(key, s)
			if _, twice := read[k]; err == nil && twice {
				err = fmt.Errorf("%s stands here already in another spelling", quote(k))
			}
			if err != nil {
				el.fail("%s", err)
				continue
			}
			read[k] = v
			in.l.origins[joinKey(in.path, k)] = el.from
		}
		*dst = read
	}
}

// fields reads the rows of the profile's table.
func fields(dst *[]Field) reader {
	return func(in input) {
		rows, ok := in.value.([]any)
		if !ok {
			in.fail("%s where a list of tables belongs; write for example %s", typeName(in.value), in.example)
			return
		}
		if len(rows) > maxFields {
			in.fail("%d fields are too many; at most %d are allowed", len(rows), maxFields)
			return
		}
		var read []Field
		for i, row := range rows {
			el := in.part(indexed(in.path, i), row)
			el.example = in.example
			read = append(read, field(el))
		}
		*dst = read
	}
}

func field(in input) Field {
	var f Field
	values, ok := in.value.(map[string]any)
	if !ok {
		in.fail("%s where a table belongs; write for example %s", typeName(in.value), in.example)
		return f
	}
	keys := fieldSettings(&f)
	for _, key := range sortedKeys(values) {
		in.l.key(in.part(joinKey(in.path, key), values[key]), key, keys)
	}
	for _, k := range keys {
		if _, set := values[k.key]; !set {
			in.fail("has no %s; write for example %s", k.key, in.example)
		}
	}
	return f
}

// duration reads a Go duration between low and a year.
func duration(dst *time.Duration, low time.Duration) reader {
	return text(dst, func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		switch {
		case err != nil:
			return 0, fmt.Errorf(`%s is not a duration; write for example "15m" (units: s, m, h)`, quote(s))
		case d < low:
			return 0, fmt.Errorf("%s is too short; it starts at %s", quote(s), low)
		case d > maxDuration:
			return 0, fmt.Errorf("%s is too long; it ends at %dh, a year", quote(s), maxDuration/time.Hour)
		}
		return d, nil
	})
}

// oneOf reads one word of a few.
func oneOf(dst *string, words ...string) reader {
	return text(dst, func(s string) (string, error) {
		if slices.Contains(words, s) {
			return s, nil
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = strconv.Quote(w)
		}
		last := len(quoted) - 1
		return "", fmt.Errorf("%s is none of %s and %s", quote(s), strings.Join(quoted[:last], ", "), quoted[last])
	})
}

// typeName says in words what a TOML value is.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case int64:
		return "a whole number"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}
