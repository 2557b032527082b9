"""Turns eval.json into EVAL.md."""


def markdown(numbers, manifest):
    lines = ["# Evaluation", "",
             "Written by `daemon/train/run`; do not edit. Model, rule and baselines answer the same questions, with the",
             "features computed by the code that serves. `val` chose stopping points and calibration. `test` was looked at after each fit, so it is not untouched.",
             "Intervals are 95 % bootstrap, by entity where there are at least 20, else by blocks within entities.",
             "ECE: expected calibration error of `confidence`, 10 equal-count bins.", ""]
    lines += ["| predictor | model | version | terms | trained on |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {e['predictor']} | {e['name']} | {e['version']} | {e['terms']} | {e['trained_on']} |" for e in manifest]
    for name, render in (("workload", _workload), ("memory", _memory), ("failure", _failure), ("threat", _threat)):
        if name in numbers:
            lines += ["", f"## {name.capitalize()}", ""] + render(numbers[name])
    return "\n".join(lines) + "\n"


def _interval(v, digits=3):
    return f"{v['low']:+.{digits}f} … {v['high']:+.{digits}f} ({v['groups']} {v['by']})"


def _workload(sets):
    out = ["Mean absolute error in points of 1/100, next interval. \"unseen\": no part of this source was trained on.", "",
           "| set | windows | model | rule | persistence | mean | median | gain over rule | entities better than persistence | ECE (rule's) |",
           "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for key, r in sets.items():
        mae = " | ".join(f"{r[c]['mae_points']:.3f}" for c in ("model", "rule", "persistence", "mean", "median"))
        ece = f"{r['ece']:.3f} ({r['rule_ece']:.3f})" if "ece" in r else ""
        unseen = " (unseen)" if r["source_unseen_in_training"] else ""
        out.append(f"| {key}{unseen} | {r['windows']} | {mae} | {_interval(r['gain_over_rule_points'])} | "
                   f"{r['entities_better_than_persistence']:.2f} of {r['entities']} | {ece} |")
    return out


def _memory(sets):
    names = ["model", "rule", "next", "step", "majority", "oracle_over_candidates"]
    out = ["Share of faults whose page was named exactly. \"tables\": with the candidates of a client's own tables.",
           "Every fifth window of train, every second of val and test.", "",
           "| set | asks | " + " | ".join(n.replace("_", " ") for n in names) + " | gain over rule | gain over majority | ECE (rule's) |",
           "| --- " * (len(names) + 5) + "|"]
    for key, r in sets.items():
        out.append(f"| {key} | {r['asks']} | " + " | ".join(f"{r['top1'][n]:.3f}" for n in names) +
                   f" | {_interval(r['gain_over_rule'])} | {_interval(r['gain_over_majority'])} | {r['ece']:.3f} ({r['rule_ece']:.3f}) |")
    out += ["", "By program:", "", "| set | program | model | rule | majority |", "| --- | --- | --- | --- | --- |"]
    for key, r in sets.items():
        out += [f"| {key} | {p} | {v['model']:.3f} | {v['rule']:.3f} | {v['majority']:.3f} |" for p, v in r["by_program"].items()]
    return out


def _failure(sets):
    out = ["A failure begins within: oom 1 s, smd 10 minutes, lanl 7 days.", "",
           "| set | questions | base rate | measure | model | rule | 1 - health | health / slope | time since failure | flags |",
           "| --- " * 10 + "|"]
    for key, r in sets.items():
        for i, measure in enumerate(("roc_auc", "pr_auc")):
            v = r[measure]
            cells = [f"{v[c]:.3f}" if c in v else "" for c in
                     ("model", "rule", "one_minus_health", "health_over_slope", "time_since_failure", "flags")]
            head = f"| {key} | {r['questions']} | {r['base_rate']:.4f} |" if i == 0 else "| | | |"
            out.append(f"{head} {measure.replace('_', '-').upper()} | " + " | ".join(cells) + " |")
    out += ["", "| set | Brier: model | rule | base rate | gain over rule | ECE (rule's) | ECE of probability | "
            "time, median relative error: model | constant |", "| --- " * 9 + "|"]
    for key, r in sets.items():
        b, t = r["brier"], r["time"]
        out.append(f"| {key} | {b['model']:.4f} | {b['rule']:.4f} | {b['base_rate']:.4f} | {_interval(r['brier_gain_over_rule'], 4)} | "
                   f"{r['ece']:.3f} ({r['rule_ece']:.3f}) | {r['ece_probability']:.3f} | "
                   f"{t['model_median_relative_error']:.2f} | {t['constant_median_relative_error']:.2f} |")
    for key, r in sets.items():
        if "warnings" in r:
            w = r["warnings"]
            out += ["", f"{key}: {w['warned']} of {w['kills']} kills warned of at 5 % false samples, median lead {w['median_lead_s']:.2f} s."]
    return out


def _threat(sets):
    out = ["| set | " + " | ".join(["windows", "positives", "measure", "value"]) + " |", "| --- " * 5 + "|"]
    for key, r in sets.items():
        for i, (name, value) in enumerate((k, v) for k, v in r.items() if k not in ("windows", "positives")):
            head = f"| {key} | {r['windows']} | {r.get('positives', '')} |" if i == 0 else "| | | |"
            out.append(f"{head} {name.replace('_', ' ')} | {value:.3f} |")
    return out


def cards(template, numbers, manifest):
    """Fills the model cards' numbers in; a missing one is an error, not a gap."""
    def workload(key):
        r = numbers["workload"][key]
        return " | ".join(f"{r[c]['mae_points']:.3f}" for c in ("model", "rule", "persistence", "mean", "median"))

    def memory(key):
        top = numbers["memory"][key]["top1"]
        return " | ".join(f"{top[c]:.3f}" for c in ("model", "rule", "next", "step", "majority", "oracle_over_candidates"))

    def failure(key):
        r = numbers["failure"][key]

        def three(measure):
            v = r[measure]
            return f"{v['model']:.3f} / {v['rule']:.3f} / {max(x for k, x in v.items() if k not in ('model', 'rule')):.3f}"
        b = r["brier"]
        return (f"{r['questions']} | {r['base_rate']:.4f} | {three('roc_auc')} | {three('pr_auc')} | "
                f"{b['model']:.4f} / {b['rule']:.4f} / {b['base_rate']:.4f}")

    def threat(key):
        r = numbers["threat"][key]
        return " | ".join(f"{r['model_' + m]:.3f} / {r['rule_' + m]:.3f}" for m in ("roc_auc", "flags_harmless_at_0.5", "finds_at_0.5"))

    return template.format(
        manifest={e["predictor"]: e for e in manifest}, **numbers,
        w_smd_val=workload("smd_cpu/val"), w_smd_test=workload("smd_cpu/test"), w_smdmem_test=workload("smd_mem/test"),
        w_procs_val=workload("procs_cpu/val"), w_procs_test=workload("procs_cpu/test"), w_procsmem_test=workload("procs_mem/test"),
        w_bb=workload("bitbrains_cpu/test"), w_bbmem=workload("bitbrains_mem/test"),
        w_gpu=workload("gentd26_gpu/test"), w_gmem=workload("gentd26_mem/test"),
        m_val=memory("alone/val"), m_test=memory("alone/test"), m_tables=memory("tables/test"),
        f_lanl_val=failure("lanl/val"), f_lanl_test=failure("lanl/test"), f_oom_val=failure("oom/val"),
        f_oom_test=failure("oom/test"), f_smd_val=failure("smd/val"), f_smd_test=failure("smd/test"),
        t_b_full=threat("benign/full/test"), t_b_vector=threat("benign/vector/test"), t_b_counters=threat("benign/counters/test"),
        t_a_full=threat("adfa/full/test"), t_a_counters=threat("adfa/counters/test"))
