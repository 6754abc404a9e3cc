// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.api.CniRequest;
import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The steps of an ADD that are pure: parse, decide, compile, render; for pods that exclude few ports and networks, or
 * many.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EngineBenchmark {
    /** The number of ports, and of networks, that the pod excludes from redirection. */
    @Param({"0", "10", "100", "1000"})
    private int excluded;

    private Map<String, String> environment;
    private byte[] config;
    private Pod pod;
    private RedirectParameters parameters;
    private RuleSet rules;

    /** Prepares what each step gets from the one before. */
    @Setup
    public void prepare() {
        environment = Map.of(
                "CNI_COMMAND", "ADD",
                "CNI_CONTAINERID", "bench",
                "CNI_NETNS", "/var/run/netns/bench",
                "CNI_IFNAME", "eth0",
                "CNI_PATH", "/opt/cni/bin",
                "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=bench;K8S_POD_NAME=bench");
        config = """
                {"cniVersion":"1.0.0","name":"bench","type":"istio-cni","exclude_namespaces":["kube-system"],
                 "prevResult":{"cniVersion":"1.0.0",
                  "interfaces":[{"name":"eth0","sandbox":"/var/run/netns/bench"}],
                  "ips":[{"address":"10.250.0.2/24","gateway":"10.250.0.1","interface":0}]}}
                """.getBytes(UTF_8);
        pod = ExcludingPod.of(excluded);
        parameters = switch (RedirectPolicy.decide(pod)) {
            case Decision.Redirect redirect -> redirect.parameters();
            case Decision.Skip skip -> throw new BenchException("skipped: " + skip.detail());
        };
        rules = compile().ruleSet(IpFamily.IPV4).orElseThrow();
    }

    /** The runtime's call. */
    @Benchmark
    public CniRequest parse() {
        return CniRequest.parse(environment, config);
    }

    /** The pod's annotations included. */
    @Benchmark
    public Decision decide() {
        return RedirectPolicy.decide(pod);
    }

    /** For one family. */
    @Benchmark
    public RedirectPlan compile() {
        return RuleCompiler.compile(parameters, Set.of(IpFamily.IPV4));
    }

    /** Input of {@code iptables-restore}. */
    @Benchmark
    public String renderIptables() {
        return IptablesRenderer.render(rules);
    }

    /** An nft script. */
    @Benchmark
    public String renderNftables() {
        return NftRenderer.script(rules);
    }
}
