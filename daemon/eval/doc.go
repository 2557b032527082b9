// Command eval judges models on recordings: each against its rule, the last value and the
// best simple guess, with confidence intervals.
//
//	eval -data DIR [-models DIR | -url URL] [-only workload,…] [-parts val,test] [-out DIR] [-report DIR]
//
// The questions are those that a kernel would have asked (daemon/train/recordings)
// and the answers those that are served: by the embedded models, by a folder of
// models, or by a live mld over HTTP. Nothing is known of a model but its answers.
// Truth, rules and simple guesses are worked out here, apart from the features.
//
// It prints a table and writes eval.json to DIR, an array of rows:
//
//	predictor, set, part  what was asked, such as workload, smd_cpu, test
//	metric                what is measured, such as mae
//	model, rule           its value for the model and for the rule, null where it has none
//	last_value            its value for the guess that what was seen last comes again, null
//	                      where there is nothing to repeat
//	best_simple           its value for the best simple guess of the set, null without one
//	best_simple_name      which guess that is
//	ci_low, ci_high       95 % interval of the model's value
//	gain_low, gain_high   95 % interval of the model's gain over the better of rule and
//	                      simple guess, positive where the model is better
//	by, groups            what the bootstrap draws: entities where there are at least 20,
//	                      else blocks of consecutive questions within entities
//	n                     questions
//	target, met           what the project asks for, null where it asks for nothing
//
// Kinds that nothing answers are left out, and one that fails does not keep the others from being
// judged; docs/judging.md says what the exit status tells.
//
// With -report it also writes EVAL.md and the pictures of the model cards.
package main
