package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.api.ChainAdapters;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.spi.RedirectBackend;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class RehearsalTest {
    @Test
    void aPodIsAddedCheckedAndDeletedInANamespaceThatIsNotTheNodes() {
        assumeTrue("root".equals(System.getProperty("user.name")), "needs root: makes a network namespace");
        Recorder recorder = new Recorder(true);

        hold(recorder);

        assertThat(recorder.calls).containsExactly("apply", "differences: 0", "remove", "apply", "remove");
    }

    @Test
    void nothingIsDoneWhereNoNamespaceCanBeMade() {
        Recorder recorder = new Recorder(false);

        hold(recorder);

        assertThat(recorder.calls).isEmpty();
    }

    private static void hold(RedirectBackend backend) {
        Rehearsal.hold(Backends.of(List.of(backend)), new PrevResultCheck(ChainAdapters.installed()), false);
    }

    /** The real backend, and what was done with it. */
    private static final class Recorder implements RedirectBackend {
        private final RedirectBackend backend =
                Backends.of(ServiceLoader.load(RedirectBackend.class)).named(Backends.DEFAULT);
        private final List<String> calls = new ArrayList<>();
        private final boolean mayMakeNamespaces;

        Recorder(boolean mayMakeNamespaces) {
            this.mayMakeNamespaces = mayMakeNamespaces;
        }

        @Override
        public String name() {
            return backend.name();
        }

        @Override
        public String detect() {
            return backend.detect();
        }

        @Override
        public boolean isOwn(Path netns) {
            return backend.isOwn(netns);
        }

        @Override
        public boolean withThrowaway(Consumer<Path> action) {
            return mayMakeNamespaces && backend.withThrowaway(action);
        }

        @Override
        public List<InetAddress> addresses(Path netns) {
            return backend.addresses(netns);
        }

        @Override
        public void apply(Path netns, RedirectPlan plan) {
            assertThat(backend.isOwn(netns)).isFalse();
            backend.apply(netns, plan);
            calls.add("apply");
        }

        @Override
        public List<RuleDifference> differences(Path netns, RedirectPlan plan) {
            List<RuleDifference> differences = backend.differences(netns, plan);
            calls.add("differences: " + differences.size());
            return differences;
        }

        @Override
        public void remove(Path netns) {
            backend.remove(netns);
            calls.add("remove");
        }
    }
}
