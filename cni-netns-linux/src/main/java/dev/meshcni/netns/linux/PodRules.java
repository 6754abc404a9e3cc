package dev.meshcni.netns.linux;

import dev.meshcni.core.IpFamily;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.RuleSet;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/** What all backends do alike: enter a namespace, apply all layers and the routing or none, compare. */
final class PodRules {
    /** The plan of a pod that is not redirected. */
    static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());

    private static final Path OF_THE_NODE = Path.of("/proc/1/ns/net");

    private final HostPaths hostPaths;
    private final Consumer<String> steps;

    /**
     * For one backend.
     *
     * @param steps is told after each single change of a namespace that it was made; tests fail there
     */
    PodRules(HostPaths hostPaths, Consumer<String> steps) {
        this.hostPaths = Objects.requireNonNull(hostPaths, "hostPaths is null");
        this.steps = Objects.requireNonNull(steps, "steps is null");
    }

    boolean isOwn(Path netns) {
        Path file = hostPaths.translate(netns);
        return NetworkNamespace.isOwn(file) || NetworkNamespace.isSame(file, hostPaths.translate(OF_THE_NODE));
    }

    List<InetAddress> addresses(Path netns) {
        return NetworkNamespace.inside(hostPaths.translate(netns), () -> {
            try (Rtnetlink rtnetlink = new Rtnetlink()) {
                return rtnetlink.podAddresses();
            }
        });
    }

    void apply(Path netns, RedirectPlan plan, List<Layer> layers) {
        NetfilterTables opened = NetworkNamespace.inside(hostPaths.translate(netns), () -> applyHere(plan, layers));
        opened.closeInBackground();
    }

    List<RuleDifference> differences(Path netns, RedirectPlan plan, List<Layer> layers) {
        return NetworkNamespace.inside(hostPaths.translate(netns), () -> {
            List<RuleDifference> differences = new ArrayList<>();
            try (NetfilterTables netfilter = new NetfilterTables()) {
                layers.forEach(layer -> differences.addAll(layer.differences(netfilter)));
            }
            try (Rtnetlink rtnetlink = new Rtnetlink()) {
                differences.addAll(new PodRouting(rtnetlink, steps).differences(plan));
            }
            return List.copyOf(differences);
        });
    }

    /** The rules that a plan has for a family, none where it does not redirect it. */
    static RuleSet rules(RedirectPlan plan, IpFamily family) {
        return plan.ruleSet(family).orElseGet(() -> new RuleSet(family, Map.of()));
    }

    /** Gives what was opened in the namespace and takes its time to close. */
    private NetfilterTables applyHere(RedirectPlan plan, List<Layer> layers) {
        NetfilterTables netfilter = new NetfilterTables();
        Undo undo = new Undo();
        try (Rtnetlink rtnetlink = new Rtnetlink()) {
            try {
                layers.forEach(layer -> layer.apply(netfilter, undo, steps));
                new PodRouting(rtnetlink, steps).apply(plan, undo);
                return netfilter;
            } catch (RuntimeException e) {
                throw undo.after(e);
            }
        } catch (RuntimeException e) {
            netfilter.close();
            throw e;
        }
    }
}
