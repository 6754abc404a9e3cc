// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.Slow;
import dev.meshcni.ztunnel.testkit.OpenFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.ShrinkingMode;

/**
 * Whatever happens on a node, and in whatever order: in the end what is so is what is wanted, and nothing is left open
 * or running. Most of the time of a history is spent waiting for answers that do not come, so many run at once.
 */
class EnrolmentHistoriesTest {
    private static final int AT_ONCE = 40;
    private static final int OF_A_BATCH = 200;

    @Property(tries = 2, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.OFF)
    void someHistoriesEndWithWhatIsWanted(@ForAll("batches") List<List<History.Event>> histories) throws Exception {
        live(histories.subList(0, AT_ONCE));
    }

    @Slow
    @Property(tries = 10_000 / OF_A_BATCH, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.OFF)
    void manyHistoriesEndWithWhatIsWanted(@ForAll("batches") List<List<History.Event>> histories) throws Exception {
        live(histories);
    }

    @Provide
    Arbitrary<List<List<History.Event>>> batches() {
        Arbitrary<Integer> number =
                Arbitraries.integers().between(0, 1000).withDistribution(RandomDistribution.uniform());
        Arbitrary<Integer> kind =
                Arbitraries.integers().between(0, History.KINDS - 1).withDistribution(RandomDistribution.uniform());
        return Combinators.combine(kind, number, number)
                .as(History.Event::new)
                .list()
                .ofMinSize(5)
                .ofMaxSize(30)
                .list()
                .ofSize(OF_A_BATCH);
    }

    private static void live(List<List<History.Event>> histories) throws Exception {
        Path directory = Files.createTempDirectory("histories");
        OpenFiles before = OpenFiles.now(directory);
        try (ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
            List<Future<?>> living = new ArrayList<>();
            for (List<History.Event> events : histories) {
                Path own = Files.createDirectory(directory.resolve("h" + living.size()));
                living.add(threads.submit(() -> {
                    try (History history = new History(own)) {
                        events.forEach(history::happen);
                        history.end();
                    }
                    return null;
                }));
            }
            for (Future<?> history : living) {
                history.get();
            }
        }
        before.awaitNothingMore();
        assertThat(directory).isEmptyDirectory();
        Files.delete(directory);
    }
}
