// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.IpNet;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract finds what it is there to find: each clause fails for an adapter that breaks it. */
class ChainAdapterContractTest {
    /** An adapter that keeps the contract; each broken one breaks one thing. */
    private static class Toy implements ChainAdapter {
        @Override
        public String name() {
            return "toy";
        }

        @Override
        public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
            return ChainedConf.base(dir, settings)
                    .filter(file -> ChainedConf.baseType(dir, settings).equals(Optional.of("toy-cni")))
                    .map(file -> Detection.certain(file.name(), "a plugin of type toy-cni"))
                    .orElse(Detection.none());
        }

        /** The edits of {@link ChainedConf}, changed on their way out. */
        InstallPlan changed(ConfDirSnapshot dir, InstallSettings settings, UnaryOperator<String> change) {
            InstallPlan plan = ChainedConf.install(dir, settings);
            return plan instanceof InstallPlan.Edits(List<FileEdit> edits)
                    ? new InstallPlan.Edits(edits.stream()
                            .map(edit -> edit instanceof FileEdit.Write(String name, String content, String like)
                                    ? new FileEdit.Write(name, change.apply(content), like)
                                    : edit)
                            .toList())
                    : plan;
        }
    }

    private static class Subject extends ChainAdapterContract {
        private final ChainAdapter adapter;

        Subject(ChainAdapter adapter) {
            this.adapter = adapter;
        }

        @Override
        protected ChainAdapter adapter() {
            return adapter;
        }

        @Override
        protected Map<String, String> baseFiles() {
            return Map.of("10-toy.conf", "{\n  \"name\": \"toy\",\n  \"type\": \"toy-cni\",\n  \"mtu\": 1450\n}\n");
        }

        @Override
        protected AttachmentContext typicalAttachment() {
            CniResult.Ip ip = CniResult.Ip.of(IpNet.parse("10.1.1.2/24"), 0);
            return new AttachmentContext(
                    "eth0", "/run/netns/a", Optional.of(CniResult.of(List.of(), List.of(ip), List.of())));
        }
    }

    @Test
    void anAdapterThatKeepsTheContractPasses() throws ReflectiveOperationException {
        assertThat(failedClauses(new Toy())).isEmpty();
    }

    @Test
    void everyClauseIsBrokenByAnAdapterHere() {
        assertThat(clauses().stream().map(Method::getName))
                .containsExactlyInAnyOrderElementsOf(
                        broken().map(each -> (String) each.get()[0]).toList());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("broken")
    void anAdapterThatBreaksAClauseFailsIt(String clause, ChainAdapter adapter) throws ReflectiveOperationException {
        assertThat(failedClauses(adapter)).contains(clause);
    }

    static Stream<Arguments> broken() {
        return Stream.of(
                        brokenDetections(),
                        brokenInstallations(),
                        brokenPlans(),
                        brokenUninstallations(),
                        brokenViolations(),
                        brokenFindings())
                .flatMap(each -> each);
    }

    private static Stream<Arguments> brokenDetections() {
        return Stream.of(
                arguments("theNameIsAWord", new Toy() {
                    @Override
                    public String name() {
                        return "Toy CNI";
                    }
                }),
                arguments("theBaseCnisDirectoryIsRecognised", new Toy() {
                    @Override
                    public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
                        return Detection.none();
                    }
                }),
                arguments("anInstalledDirectoryIsStillRecognised", new Toy() {
                    @Override
                    public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
                        return isInstalled(dir) ? Detection.none() : super.detect(dir, settings);
                    }
                }),
                arguments("otherDirectoriesAreNotClaimed", new Toy() {
                    @Override
                    public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
                        return Detection.certain("10-toy.conf", "why not");
                    }
                }));
    }

    private static Stream<Arguments> brokenInstallations() {
        return Stream.of(
                arguments("installingPutsOurPluginInOnePlaceBehindAllOthers", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return changed(dir, settings, ChainAdapterContractTest::turnedAround);
                    }
                }),
                arguments("installingKeepsEveryOtherPluginAsItWas", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return changed(dir, settings, text -> text.replace("1450", "1400"));
                    }
                }),
                arguments("installingKeepsTheNetworkOfPods", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return changed(
                                dir, settings, text -> text.replace("\"name\": \"toy\"", "\"name\": \"toy-mesh\""));
                    }
                }),
                arguments("whatIsInstalledNeedsNoEdit", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return isInstalled(dir) ? new InstallPlan.Edits(rewritten(dir)) : super.install(dir, settings);
                    }
                }),
                arguments("changedSettingsReplaceOurEntry", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return isInstalled(dir) ? new InstallPlan.Edits(List.of()) : super.install(dir, settings);
                    }
                }),
                arguments("ourEntryInTheMiddleIsMovedToTheEnd", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return dir.file("10-messy.conflist").isPresent()
                                ? new InstallPlan.Edits(List.of())
                                : super.install(dir, settings);
                    }
                }));
    }

    private static Stream<Arguments> brokenPlans() {
        AtomicInteger calls = new AtomicInteger();
        return Stream.of(
                arguments("editsKeepTheNetworkAtEveryMoment", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        InstallPlan plan = super.install(dir, settings);
                        return plan instanceof InstallPlan.Edits(List<FileEdit> edits)
                                ? new InstallPlan.Edits(edits.reversed())
                                : plan;
                    }
                }),
                arguments("aHalfDoneInstallationIsFinished", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return dir.file("10-toy.conflist").isPresent()
                                ? new InstallPlan.Edits(List.of())
                                : super.install(dir, settings);
                    }
                }),
                arguments("aBaseCniThatIsNotThereYetIsWaitedFor", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        InstallPlan plan = super.install(dir, settings);
                        return plan instanceof InstallPlan.Wait ? new InstallPlan.Edits(List.of()) : plan;
                    }
                }),
                arguments("aFileThatCannotBeParsedIsNeverTouched", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        InstallPlan plan = super.install(dir, settings);
                        return plan instanceof InstallPlan.Refuse refusal
                                ? new InstallPlan.Edits(List.of(new FileEdit.Delete(refusal.file())))
                                : plan;
                    }
                }),
                arguments("theSameQuestionHasTheSameAnswer", new Toy() {
                    @Override
                    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
                        return changed(dir, settings, text -> text + " ".repeat(calls.incrementAndGet() % 2));
                    }
                }));
    }

    private static Stream<Arguments> brokenUninstallations() {
        return Stream.of(
                arguments("uninstallingRestoresEveryByte", new Toy() {
                    @Override
                    public List<FileEdit> uninstall(ConfDirSnapshot dir, InstallSettings settings) {
                        return super.uninstall(dir, settings).stream()
                                .map(edit -> edit instanceof FileEdit.Write(String name, String content, String like)
                                        ? new FileEdit.Write(
                                                name,
                                                CniJson.lenientObject(content).toPrettyString(),
                                                like)
                                        : edit)
                                .toList();
                    }
                }),
                arguments("uninstallingFromAnUntouchedDirectoryChangesNothing", new Toy() {
                    @Override
                    public List<FileEdit> uninstall(ConfDirSnapshot dir, InstallSettings settings) {
                        return isInstalled(dir) ? super.uninstall(dir, settings) : rewritten(dir);
                    }
                }),
                arguments("uninstallingLeavesNothingOfOursBehind", new Toy() {
                    @Override
                    public List<FileEdit> uninstall(ConfDirSnapshot dir, InstallSettings settings) {
                        return super.uninstall(dir, settings).stream()
                                .filter(edit -> !edit.name().equals("99-alone.conf"))
                                .toList();
                    }
                }));
    }

    private static Stream<Arguments> brokenViolations() {
        return Stream.of(
                arguments("whatTheBaseCniReportsIsNoViolation", new Toy() {
                    @Override
                    public List<String> violations(AttachmentContext attachment) {
                        return List.of("never good enough");
                    }
                }),
                arguments("aResultWithoutAddressIsAViolation", new Toy() {
                    @Override
                    public List<String> violations(AttachmentContext attachment) {
                        return List.of();
                    }
                }),
                arguments("noResultMakesTheAdapterThrow", new Toy() {
                    @Override
                    public List<String> violations(AttachmentContext attachment) {
                        return attachment.prevResult().orElseThrow().ips().isEmpty()
                                ? List.of("no address")
                                : List.of();
                    }
                }));
    }

    private static Stream<Arguments> brokenFindings() {
        return Stream.of(
                arguments("findingsSayWhatAndWhatToDo", new Toy() {
                    @Override
                    public List<Finding> findings(ConfDirSnapshot dir, InstallSettings settings) {
                        List<Finding> findings = new ArrayList<>(super.findings(dir, settings));
                        findings.add(Finding.info(" ", ""));
                        return findings;
                    }
                }),
                arguments("aFileThatRuntimesCannotLoadIsAFinding", new Toy() {
                    @Override
                    public List<Finding> findings(ConfDirSnapshot dir, InstallSettings settings) {
                        return List.of();
                    }
                }));
    }

    private static boolean isInstalled(ConfDirSnapshot dir) {
        return dir.valid().stream()
                .flatMap(file -> file.list().plugins().stream())
                .anyMatch(plugin -> plugin.type().equals("istio-cni"));
    }

    private static List<FileEdit> rewritten(ConfDirSnapshot dir) {
        ConfFile.Valid first = dir.primary().orElseThrow();
        return List.of(new FileEdit.Write(first.name(), first.list().text(), first.name()));
    }

    /** A list with its plugins in the opposite order. */
    private static String turnedAround(String text) {
        ObjectNode list = CniJson.lenientObject(text);
        List<JsonNode> plugins = new ArrayList<>();
        list.get("plugins").forEach(plugins::addFirst);
        list.putArray("plugins").addAll(plugins);
        return CniJson.compact(list);
    }

    private static List<Method> clauses() {
        return Stream.of(ChainAdapterContract.class.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .toList();
    }

    private static Set<String> failedClauses(ChainAdapter adapter) throws ReflectiveOperationException {
        Set<String> failed = new TreeSet<>();
        for (Method clause : clauses()) {
            try {
                clause.invoke(new Subject(adapter));
            } catch (InvocationTargetException e) {
                failed.add(clause.getName());
            }
        }
        return failed;
    }
}
