package dev.meshcni.core;

import dev.meshcni.core.spi.RedirectBackend;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** A backend that keeps plans in memory, for what the handler does around a backend. */
final class MemoryBackend implements RedirectBackend {
    final Map<Path, RedirectPlan> applied = new ConcurrentHashMap<>();
    final List<InetAddress> addresses = new ArrayList<>(List.of(InetAddress.ofLiteral("10.1.0.5")));
    Optional<RuntimeException> failure = Optional.empty();

    @Override
    public String name() {
        return "iptables";
    }

    @Override
    public String detect() {
        return "memory";
    }

    @Override
    public List<InetAddress> addresses(Path netns) {
        return addresses;
    }

    @Override
    public void apply(Path netns, RedirectPlan plan) {
        failure.ifPresent(e -> {
            throw e;
        });
        applied.put(netns, plan);
    }

    @Override
    public List<RuleDifference> differences(Path netns, RedirectPlan plan) {
        return plan.equals(applied.get(netns))
                ? List.of()
                : List.of(new RuleDifference(
                        RuleDifference.Kind.MISSING, "ipv4 nat OUTPUT", "-A OUTPUT -j ISTIO_OUTPUT"));
    }

    @Override
    public void remove(Path netns) {
        failure.ifPresent(e -> {
            throw e;
        });
        applied.remove(netns);
    }
}
