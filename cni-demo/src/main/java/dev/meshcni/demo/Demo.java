// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.demo;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.exec.PluginChain;
import dev.meshcni.kubernetes.PodManifests;
import dev.meshcni.netns.linux.NetworkNamespace;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.trace.TreeRenderer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** The demonstration, scene by scene. */
final class Demo {
    private static final Duration PLUGIN_TIME = Duration.ofSeconds(30);
    private static final int APPLICATION = 1000;
    private static final int PROXY = (int) RedirectParameters.DEFAULT_PROXY_ID;
    private static final int SERVICE_PORT = 8443;
    private static final int APPLICATION_PORT = 8080;
    private static final int EXCLUDED_PORT = 9090;
    private static final String SERVICE_NAME = "the service";
    private static final String OUTBOUND_NAME = "the proxy's outbound port 15001";
    private static final String INBOUND_NAME = "the proxy's inbound port 15006";
    private static final String APPLICATION_NAME = "the application";

    private final DemoTalk talk;
    private final DemoStage stage;
    private final PluginChain chain;
    private final NetworkConfigList network;
    private final Map<String, CniResult> results = new HashMap<>();

    Demo(DemoTalk talk, DemoStage stage, Path programs) {
        this.talk = talk;
        this.stage = stage;
        this.chain = new PluginChain(stage.pluginPath(programs), Map.of(), PLUGIN_TIME);
        this.network = stage.network();
    }

    void play() {
        talk.scene("The agent", "install-cni serves this node, with pods from two manifests instead of an API server");
        talk.say("socket " + stage.runDirectory().resolve("agent.sock") + ", accessible to root only");
        add();
        traffic();
        check();
        delete();
    }

    private void add() {
        talk.scene("ADD", "the container runtime sets up the pods' networks: it calls ptp, then istio-cni");
        for (String pod : List.of(DemoStage.INJECTED, DemoStage.PLAIN)) {
            long start = System.nanoTime();
            results.put(pod, onNode(() -> chain.add(network, stage.attachment(pod))));
            talk.say("pod shop/%s has address %s; both plugins together took %d ms"
                    .formatted(pod, address(pod), (System.nanoTime() - start) / 1_000_000));
            explain(PodManifests.read(stage.manifests().resolve(pod + ".yaml")).getFirst());
        }
    }

    private void explain(Pod pod) {
        switch (RedirectPolicy.decide(pod)) {
            case Decision.Skip skip -> {
                talk.say("  decision: not redirected, " + skip.detail());
                talk.proof("rules in its namespace", "none", rules(pod.name()).isEmpty() ? "none" : rules(pod.name()));
            }
            case Decision.Redirect redirect -> {
                talk.say("  decision: redirected");
                talk.show(TreeRenderer.render(
                                RuleCompiler.compile(redirect.parameters(), Set.of(IpFamily.IPV4)),
                                DemoTalk.LISTED_COLUMNS)
                        .lines());
                talk.proof(
                        "rules in its namespace", "present", rules(pod.name()).contains("ISTIO_") ? "present" : "none");
            }
        }
    }

    private void traffic() {
        talk.scene("Traffic", "real connections, from inside the pod and from outside");
        Path pod = stage.netns(DemoStage.INJECTED);
        try (DemoTraffic listeners = new DemoTraffic()) {
            listeners.listen(stage.node(), SERVICE_PORT, SERVICE_NAME);
            listeners.listen(pod, 15001, OUTBOUND_NAME);
            listeners.listen(pod, 15006, INBOUND_NAME);
            listeners.listen(pod, APPLICATION_PORT, APPLICATION_NAME);
            listeners.listen(pod, EXCLUDED_PORT, APPLICATION_NAME);
            talk.proof(
                    "the application (uid " + APPLICATION + ") calls a service at " + DemoStage.GATEWAY + ":"
                            + SERVICE_PORT,
                    OUTBOUND_NAME,
                    DemoTraffic.connect(pod, APPLICATION, DemoStage.GATEWAY, SERVICE_PORT));
            talk.proof(
                    "the proxy (uid " + PROXY + ") calls the same service",
                    SERVICE_NAME,
                    DemoTraffic.connect(pod, PROXY, DemoStage.GATEWAY, SERVICE_PORT));
            talk.proof(
                    "a client outside the pod calls " + address(DemoStage.INJECTED) + ":" + APPLICATION_PORT,
                    INBOUND_NAME,
                    DemoTraffic.connect(stage.node(), 0, address(DemoStage.INJECTED), APPLICATION_PORT));
            talk.proof(
                    "a client outside the pod calls port " + EXCLUDED_PORT + ", which the pod's annotation excludes",
                    APPLICATION_NAME,
                    DemoTraffic.connect(stage.node(), 0, address(DemoStage.INJECTED), EXCLUDED_PORT));
        }
    }

    private void check() {
        talk.scene("CHECK", "compare the rules with those that ADD applied");
        talk.proof("CHECK succeeds", "yes", checked());
        String rule = "OUTPUT -j ISTIO_OUTPUT";
        talk.say("deleting a rule: iptables -t nat -D " + rule);
        inPod(DemoStage.INJECTED, ("iptables -t nat -D " + rule).split(" ", -1));
        String found = checked();
        talk.proof("CHECK reports the missing rule", "yes", found.contains("-A " + rule) ? "yes" : found);
        talk.say("  " + found);
    }

    private void delete() {
        talk.scene("DEL", "the runtime tears down the pods' networks");
        for (String pod : List.of(DemoStage.INJECTED, DemoStage.PLAIN)) {
            onNode(() -> {
                chain.del(network, stage.attachment(pod), Optional.of(results.get(pod)));
                return pod;
            });
            talk.proof("rules of shop/" + pod, "none", rules(pod).isEmpty() ? "none" : rules(pod));
        }
    }

    private String checked() {
        try {
            onNode(() -> {
                chain.check(network, stage.attachment(DemoStage.INJECTED), results.get(DemoStage.INJECTED));
                return "";
            });
            return "yes";
        } catch (CniException e) {
            return "error " + e.code() + ": " + e.getMessage() + "; " + e.details();
        }
    }

    private String address(String pod) {
        return results.get(pod).ips().getFirst().address().address().getHostAddress();
    }

    /** The nat rules of ours in a pod's namespace; empty when there are none. */
    private String rules(String pod) {
        String all = inPod(pod, "iptables-save", "-t", "nat");
        return all.lines().filter(line -> line.startsWith("-A")).reduce("", (text, line) -> text + line + "\n");
    }

    private String inPod(String pod, String... command) {
        String[] inside = new String[command.length + 4];
        System.arraycopy(new String[] {"ip", "netns", "exec", stage.netnsName(pod)}, 0, inside, 0, 4);
        System.arraycopy(command, 0, inside, 4, command.length);
        return DemoStage.run(inside);
    }

    /** Plugins change the network of the host that they run on; here that is the node's namespace. */
    private <T> T onNode(Supplier<T> action) {
        return NetworkNamespace.inside(stage.node(), action);
    }
}
