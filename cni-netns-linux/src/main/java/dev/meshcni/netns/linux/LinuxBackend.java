package dev.meshcni.netns.linux;

import dev.meshcni.core.RedirectException;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.spi.RedirectBackend;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A backend that redirects with the node's own programs: they are looked for once, when they are needed, and used for each
 * pod. Safe for use by many threads.
 */
public abstract sealed class LinuxBackend implements RedirectBackend permits IptablesBackend, NftBackend {
    private final PodRules podRules;
    private volatile NodeTools tools;

    LinuxBackend(PodRules podRules) {
        this.podRules = Objects.requireNonNull(podRules, "podRules is null");
    }

    /**
     * Tries the tools of this node.
     *
     * @throws RedirectException if none works, with what was tried and what to install
     */
    abstract NodeTools find();

    final PodRules podRules() {
        return podRules;
    }

    @Override
    public final String detect() {
        NodeTools found = tools();
        return found.version()
                + found.problems().keySet().stream()
                        .map(family -> ", no " + family.label())
                        .collect(Collectors.joining());
    }

    @Override
    public final boolean isOwn(Path netns) {
        return podRules.isOwn(netns);
    }

    @Override
    public final boolean withThrowaway(Consumer<Path> action) {
        return NetworkNamespace.withNew(action);
    }

    @Override
    public final List<InetAddress> addresses(Path netns) {
        return podRules.addresses(netns);
    }

    @Override
    public final void apply(Path netns, RedirectPlan plan) {
        NodeTools found = tools();
        found.problems().forEach((family, problem) -> {
            if (plan.families().contains(family)) {
                throw new RedirectException(
                        found.name() + " does not work for " + family.label() + " on this node: " + problem);
            }
        });
        podRules.apply(netns, plan, found.layers(plan));
    }

    @Override
    public final List<RuleDifference> differences(Path netns, RedirectPlan plan) {
        return podRules.differences(netns, plan, tools().layers(plan));
    }

    @Override
    public final void remove(Path netns) {
        podRules.apply(netns, PodRules.NOTHING, tools().layers(PodRules.NOTHING));
    }

    private NodeTools tools() {
        NodeTools known = tools;
        if (known == null) {
            synchronized (this) {
                known = tools == null ? find() : tools;
                tools = known;
            }
        }
        return known;
    }
}
