// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The heap is a part of the memory that the daemon's container may have. */
@Timeout(120)
@NeedsRoot("makes network namespaces")
class HeapTest {
    private Netns node;

    @BeforeEach
    void start() {
        Machine.needs("ip", "nsenter");
        Dist.needed();
        node = Netns.create("node");
    }

    @AfterEach
    void stop() {
        if (node != null) {
            node.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "memory.max, 268435456, 96",
        "memory.max, 536870912, 192",
        "memory.max, max, 96",
        "memory/memory.limit_in_bytes, 402653184, 144",
        "memory/memory.limit_in_bytes, 9223372036854771712, 96",
        "nothing, 1, 96"
    })
    void theHeapFollowsTheLimitOfTheContainer(String file, String limit, int mebibytes) {
        String mounts = "mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir -p $(dirname /sys/fs/cgroup/" + file
                + ") && echo " + limit + " > /sys/fs/cgroup/" + file + " && exec \"$@\"";
        try (Agent _ = Agent.start(
                line -> {
                    List<String> command =
                            new ArrayList<>(node.commandLine("unshare", "--mount", "sh", "-c", mounts, "sh"));
                    command.addAll(List.of(line));
                    return command;
                },
                List.of("--no-install", "--monitoring-port=15014"))) {
            // The ports are opened after the socket.
            Eventually.isTrue("there are metrics", () -> !metrics().isEmpty());

            assertThat(heap(metrics())).isBetween((mebibytes - 4) * 1048576.0, mebibytes * 1048576.0);
        }
    }

    private String metrics() {
        return node.command("busybox", "wget", "-q", "-O", "-", "-Y", "off", "http://127.0.0.1:15014/metrics")
                .result()
                .out();
    }

    private static double heap(String metrics) {
        return metrics.lines()
                .filter(line -> line.startsWith("meshcni_heap_max_bytes "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' '))))
                .sum();
    }
}
