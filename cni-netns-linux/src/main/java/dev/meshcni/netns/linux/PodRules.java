package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/** What all backends do alike in the namespace of the calling thread: apply all layers and the routing or none, compare. */
final class PodRules {

    /** What it may take to put back what was there, when the time of the call is over. */
    private static final Duration UNDO_TIME = Duration.ofSeconds(10);

    private final Consumer<String> steps;

    /**
     * For one backend.
     *
     * @param steps is told after each single change of a namespace that it was made; tests fail there
     */
    PodRules(Consumer<String> steps) {
        this.steps = Objects.requireNonNull(steps, "steps is null");
    }

    List<InetAddress> addresses() {
        try (Rtnetlink rtnetlink = new Rtnetlink()) {
            return rtnetlink.podAddresses();
        }
    }

    List<RuleDifference> differences(RedirectPlan plan, List<Layer> layers) {
        List<RuleDifference> differences = new ArrayList<>();
        try (NetfilterTables netfilter = new NetfilterTables()) {
            layers.forEach(layer -> differences.addAll(layer.differences(netfilter)));
        }
        try (Rtnetlink rtnetlink = new Rtnetlink()) {
            differences.addAll(new PodRouting(rtnetlink, steps).differences(plan));
        }
        return List.copyOf(differences);
    }

    /** The rules that a plan has for a family, none where it does not redirect it. */
    static RuleSet rules(RedirectPlan plan, IpFamily family) {
        return plan.ruleSet(family).orElseGet(() -> new RuleSet(family, Map.of()));
    }

    /** Gives what was opened in the namespace and takes its time to close. */
    NetfilterTables apply(RedirectPlan plan, List<Layer> layers) {
        NetfilterTables netfilter = new NetfilterTables();
        Undo undo = new Undo();
        try (Rtnetlink rtnetlink = new Rtnetlink()) {
            try {
                layers.forEach(layer -> layer.apply(netfilter, undo, steps));
                new PodRouting(rtnetlink, steps).apply(plan, undo);
                return netfilter;
            } catch (RuntimeException e) {
                throw ChildProcess.within(Deadline.after(UNDO_TIME), () -> undo.after(e));
            }
        } catch (RuntimeException e) {
            netfilter.close();
            throw e;
        }
    }
}
