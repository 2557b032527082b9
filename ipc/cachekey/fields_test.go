package cachekey

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestEveryFieldOfEveryKindTells walks the requests themselves: a field that is added and
// forgotten here would have one question's answer given to another.
func TestEveryFieldOfEveryKindTells(t *testing.T) {
	for _, k := range ipc.Kinds {
		q := ipc.NewRequest(k)
		fill(reflect.ValueOf(q).Elem())
		key, leaves := Of(q), 0
		change(reflect.ValueOf(q).Elem(), k.String(), func(path string) {
			leaves++
			clock := strings.HasSuffix(path, "Timestamp") || strings.Contains(path, ".AccessTimestamps")
			if same := Of(q) == key; same != clock {
				t.Errorf("%s: the same question when it changes: %v, want %v", path, same, clock)
			}
		})
		if Of(q) != key || leaves < 8 {
			t.Errorf("%v: %d places were changed, and not back again: the test did not test it", k, leaves)
		}
	}
}

// fill gives everything in v a value, and lists two.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	default:
		set(v, false)
	}
}

// set gives v one of two values, which are legal in every field.
func set(v reflect.Value, other bool) {
	n := 0
	if other {
		n = 1
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!other)
	case reflect.String:
		v.SetString([]string{"a", "b"}[n])
	case reflect.Float32:
		v.SetFloat([]float64{0.25, 0.75}[n])
	case reflect.Int8:
		v.SetInt([]int64{1, -1}[n])
	case reflect.Uint64:
		v.SetUint([]uint64{1 << 20, 1 << 30}[n])
	default:
		v.SetUint([]uint64{0, 1}[n])
	}
}

// change calls check after each change of one place in v: another value, or a list that is
// one shorter. It takes back every change.
func change(v reflect.Value, path string, check func(path string)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			change(v.Field(i), path+"."+v.Type().Field(i).Name, check)
		}
	case reflect.Slice:
		for i := range v.Len() {
			change(v.Index(i), fmt.Sprintf("%s[%d]", path, i), check)
		}
		whole := reflect.ValueOf(v.Interface())
		v.Set(whole.Slice(0, 1))
		check(path + ", shorter")
		v.Set(whole)
	default:
		set(v, true)
		check(path)
		set(v, false)
	}
}
