// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;

/**
 * How the backends fare with pods that exclude many ports and networks: rules in the kernel, and time until they are
 * there.
 */
final class RuleScale {
    private static final List<Integer> EXCLUDED = List.of(0, 10, 100, 1000);
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int LEAST_ROUNDS = 3;
    private static final int ROUNDS_PER_ROUND = 4;

    private static final List<Contender> CONTENDERS = List.of(
            new Contender(new IptablesBackend(), RuleSet::ruleCount),
            new Contender(
                    new NftBackend(),
                    rules -> NftRenderer.table(rules).chains().stream()
                            .mapToInt(chain -> chain.rules().size())
                            .sum()));

    private record Contender(RedirectBackend backend, ToIntFunction<RuleSet> rules) {}

    private record Subject(Contender contender, int excluded) {}

    /**
     * What was measured of one backend.
     *
     * @param backend its name
     * @param excluded how many ports, and as many networks, the pod excludes
     * @param rules how many rules that makes, in all chains and tables
     * @param applied milliseconds from entering a new namespace to the end of the comparison of what was read back
     */
    record Row(String backend, int excluded, int rules, Series applied) {}

    private RuleScale() {}

    /** Measures the backends in turn, each time in a namespace that is new. */
    static List<Row> measure(int rounds) throws IOException {
        CONTENDERS.forEach(contender -> contender.backend().detect());
        Map<Subject, List<Double>> times = new LinkedHashMap<>();
        for (int round = 0; round <= Math.max(LEAST_ROUNDS, rounds / ROUNDS_PER_ROUND); round++) {
            for (int excluded : EXCLUDED) {
                for (Contender contender : CONTENDERS) {
                    double millis = apply(contender.backend(), plan(excluded));
                    if (round > 0) {
                        times.computeIfAbsent(new Subject(contender, excluded), _ -> new ArrayList<>())
                                .add(millis);
                    }
                }
            }
        }
        return times.entrySet().stream()
                .map(entry -> row(entry.getKey(), Series.of(entry.getValue())))
                .toList();
    }

    private static double apply(RedirectBackend backend, RedirectPlan plan) throws IOException {
        try (PodNamespace namespace = PodNamespace.make()) {
            long start = System.nanoTime();
            try (NamespaceHandle handle = backend.open(namespace.path(), Deadline.after(PATIENCE))) {
                handle.apply(plan);
            }
            return (System.nanoTime() - start) / (double) TimeUnit.MILLISECONDS.toNanos(1);
        }
    }

    private static Row row(Subject subject, Series times) {
        RuleSet rules = plan(subject.excluded()).ruleSet(IpFamily.IPV4).orElseThrow();
        return new Row(
                subject.contender().backend().name(),
                subject.excluded(),
                subject.contender().rules().applyAsInt(rules),
                times);
    }

    private static RedirectPlan plan(int excluded) {
        return switch (RedirectPolicy.decide(ExcludingPod.of(excluded))) {
            case Decision.Redirect redirect -> RuleCompiler.compile(redirect.parameters(), Set.of(IpFamily.IPV4));
            case Decision.Skip skip -> throw new BenchException("skipped: " + skip.detail());
        };
    }
}
