package api

import (
	"errors"
	"fmt"

	"github.com/mlbridge/mlbridge/ipc"
)

// httpStatuses maps each status to the HTTP status of a call that failed with it.
// Every value occurs once, so that a caller can tell them apart.
var httpStatuses = [len(ipc.Statuses)]int{
	ipc.StatusOK:               200,
	ipc.StatusInvalidArgument:  400,
	ipc.StatusUnimplemented:    501,
	ipc.StatusDeadlineExceeded: 504,
	ipc.StatusOverloaded:       429,
	ipc.StatusUnavailable:      503,
	ipc.StatusPermissionDenied: 403,
	ipc.StatusInternal:         500,
}

// HTTPStatus gives the HTTP status for s, 500 for an unknown one.
func HTTPStatus(s ipc.Status) int {
	if !s.Valid() {
		return 500
	}
	return httpStatuses[s]
}

// invalidf is what the asking side got wrong.
func invalidf(format string, args ...any) error {
	return &ipc.StatusError{Status: ipc.StatusInvalidArgument, Text: fmt.Sprintf(format, args...)}
}

// internalf is what the answering side got wrong.
func internalf(format string, args ...any) error {
	return &ipc.StatusError{Status: ipc.StatusInternal, Text: fmt.Sprintf(format, args...)}
}

// ErrorText gives what an error says, without package prefixes, for an error body.
func ErrorText(err error) string {
	var se *ipc.StatusError
	var pe *ipc.ProtocolError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &se):
		return se.Text
	case errors.As(err, &pe):
		return string(pe.Kind) + ": " + pe.Text
	}
	return err.Error()
}

// ErrorStatus gives the status an error carries, StatusInternal when it has none.
func ErrorStatus(err error) ipc.Status {
	var se *ipc.StatusError
	var pe *ipc.ProtocolError
	switch {
	case err == nil:
		return ipc.StatusOK
	case errors.As(err, &se):
		return se.Status
	case errors.As(err, &pe):
		return ipc.StatusInvalidArgument
	}
	return ipc.StatusInternal
}
