// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.NetworkConfigList.Plugin;
import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * An installer that is killed at each step of its work: what runtimes can see is whole at that moment, and the next
 * installer makes the node right. Most deaths are errors that nothing catches; some are SIGKILL.
 */
@Slow
class KilledInstallerTest {
    private static final int SAMPLES = 4;

    @TempDir
    private Path root;

    private final Map<String, PluginManifest> manifests = new HashMap<>();

    /** Ends the work at a step without giving it a chance to tidy up. */
    private static final class Killed extends Error {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    static Stream<Arguments> works() {
        return Stream.of("lone-conf", "two-lists", "ours-in-the-middle")
                .flatMap(confDir -> Stream.of(InstallerWork.values()).map(work -> Arguments.of(confDir, work)));
    }

    @ParameterizedTest
    @MethodSource("works")
    void atEveryStepAllThatIsVisibleIsWholeAndTheNextInstallerFinishes(String confDir, InstallerWork work)
            throws Exception {
        Map<String, String> installed = confAfter(confDir, InstallerWork.INSTALL);
        Map<String, String> uninstalled = confAfter(confDir, InstallerWork.UNINSTALL);
        for (int step = 1; ; step++) {
            TestNode node = TestInstallers.node(root.resolve("step" + step), confDir);
            work.prepare(node);
            Map<String, String> before = node.conf();
            if (!diesAt(step, node, work)) {
                assertThat(step).as("steps of %s", work).isGreaterThan(8);
                return;
            }
            assertVisibleIsWhole(node, List.of(before, installed, uninstalled));
            finish(node, work, installed, uninstalled);
        }
    }

    @ParameterizedTest
    @EnumSource(InstallerWork.class)
    void aRealKillIsNoWorse(InstallerWork work) throws Exception {
        Map<String, String> installed = confAfter("lone-conf", InstallerWork.INSTALL);
        Map<String, String> uninstalled = confAfter("lone-conf", InstallerWork.UNINSTALL);
        int steps = stepsOf(work);
        for (int sample = 0; sample < SAMPLES; sample++) {
            int step = 1 + sample * (steps - 1) / (SAMPLES - 1);
            TestNode node = TestInstallers.node(root.resolve("sample" + sample), "lone-conf");
            Map<String, String> before = node.conf();
            InstallerProcess.stoppedAt(step, root.resolve("sample" + sample), work)
                    .close();
            assertVisibleIsWhole(node, List.of(before, installed, uninstalled));
            finish(node, work, installed, uninstalled);
        }
    }

    private static boolean diesAt(int step, TestNode node, InstallerWork work) throws Exception {
        try {
            work.run(node, new DyingSteps(step, () -> {
                throw new Killed();
            }));
            return false;
        } catch (Killed e) {
            return true;
        }
    }

    private void assertVisibleIsWhole(TestNode node, List<Map<String, String>> wholeStates) throws IOException {
        for (ConfFile file : ConfDir.read(node.confDir()).files()) {
            String content = Files.readString(node.confDir().resolve(file.name()));
            assertThat(wholeStates)
                    .as("%s is as it was or as it will be", file.name())
                    .anySatisfy(state -> assertThat(state.get(file.name())).isEqualTo(content));
        }
        List<Plugin> primary =
                ConfDir.read(node.confDir()).primary().orElseThrow().list().plugins();
        assertThat(primary)
                .as("there is a network")
                .anyMatch(plugin -> !plugin.type().equals("istio-cni"));
        boolean called = primary.stream().anyMatch(plugin -> plugin.type().equals("istio-cni"));
        boolean mayBeMissing = node.conf().equals(wholeStates.getFirst());
        if (called && !mayBeMissing) {
            assertThat(node.link())
                    .as("the plugin that the configuration names")
                    .exists();
        }
        if (Files.exists(node.link())) {
            Path tree = node.link().toRealPath().getParent().getParent();
            assertThat(List.of("first", "second"))
                    .anySatisfy(release ->
                            assertThat(manifest(release).matches(tree)).isTrue());
        }
    }

    private PluginManifest manifest(String release) throws IOException {
        if (!manifests.containsKey(release)) {
            TestNode other = TestNode.in(root.resolve("release-" + release));
            other.release(release);
            manifests.put(release, PluginManifest.read(other.source()));
        }
        return manifests.get(release);
    }

    private void finish(
            TestNode node, InstallerWork work, Map<String, String> installed, Map<String, String> uninstalled)
            throws Exception {
        Installer next = TestInstallers.of(node, new DyingSteps(0, () -> {}));
        if (work == InstallerWork.UNINSTALL) {
            next.uninstall(Duration.ofSeconds(10));
            assertThat(node.conf()).isEqualTo(uninstalled);
            assertThat(TestNode.filesIn(node.binDir())).isEmpty();
            assertThat(node.runDirectory()).doesNotExist();
            return;
        }
        next.claim();
        assertThat(next.round()).isInstanceOf(InstallState.Installed.class);
        assertThat(node.conf()).isEqualTo(installed);
        Path tree = node.link().toRealPath().getParent().getParent();
        assertThat(PluginManifest.read(node.source()).matches(tree)).isTrue();
        assertThat(TestNode.contents(node.binDir()).keySet()).noneMatch(name -> name.contains(".meshcni-"));
    }

    private Map<String, String> confAfter(String confDir, InstallerWork work) throws Exception {
        TestNode node = TestInstallers.node(root.resolve("undisturbed-" + work), confDir);
        work.prepare(node);
        work.run(node, new DyingSteps(0, () -> {}));
        return new TreeMap<>(node.conf());
    }

    private int stepsOf(InstallerWork work) throws Exception {
        TestNode node = TestInstallers.node(root.resolve("counted"), "lone-conf");
        work.prepare(node);
        DyingSteps steps = new DyingSteps(0, () -> {});
        work.run(node, steps);
        return steps.count();
    }
}
