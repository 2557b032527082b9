package main

func extractThreat(j *job) error { return nil }
