// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.contract;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.IpNet;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What every chain adapter keeps, whatever its base CNI. The author of an adapter extends this class, gives it the
 * adapter, the base CNI's files as it writes them, and what it reports for a pod; the tests do the rest.
 */
public abstract class ChainAdapterContract {
    /** Where the files are supposed to lie. */
    protected static final Path DIR = Path.of("/etc/cni/net.d");

    /** The adapter under test. */
    protected abstract ChainAdapter adapter();

    /** The files of the base CNI, by name, as it writes them. */
    protected abstract Map<String, String> baseFiles();

    /** What our plugin finds when it is called for a pod of this base CNI. */
    protected abstract AttachmentContext typicalAttachment();

    /** The settings under which the adapter is used: chained, into the file that runtimes use. */
    protected InstallSettings settings() {
        return InstallSettings.chainedInto(entry("info"));
    }

    /** Whether the adapter answers for one base CNI, and not for any. */
    protected boolean isSpecific() {
        return true;
    }

    /** Our plugin's configuration with a log level, for settings of a test's own. */
    protected static ObjectNode entry(String logLevel) {
        return CniJson.lenientObject("{\"name\":\"istio-cni\",\"type\":\"istio-cni\",\"plugin_log_level\":\"" + logLevel
                + "\",\"exclude_namespaces\":[\"kube-system\"],\"native_nftables\":false}");
    }

    @Test
    public void theNameIsAWord() {
        assertTrue(
                adapter().name().matches("[a-z0-9]([a-z0-9-]*[a-z0-9])?"),
                () -> "the name is for logs and settings, but it is '"
                        + adapter().name() + "'");
    }

    @Test
    public void theBaseCnisDirectoryIsRecognised() {
        var detection = adapter().detect(base(), settings());

        assertTrue(detection.claimed(), "the adapter does not claim the directory of its own base CNI");
        assertFalse(detection.reason().isBlank(), "an operator is told by what a directory was recognised");
    }

    @Test
    public void anInstalledDirectoryIsStillRecognised() {
        assertTrue(
                adapter().detect(installed(base()), settings()).claimed(),
                "the adapter does not claim its directory any more once it has installed into it");
    }

    @Test
    public void otherDirectoriesAreNotClaimed() {
        if (isSpecific() && settings().chained()) {
            for (ConfDirSnapshot other : List.of(strangers(), dir(Map.of()))) {
                assertFalse(adapter().detect(other, settings()).claimed(), () -> "the adapter claims " + other.files());
            }
        }
    }

    @Test
    public void installingPutsOurPluginInOnePlaceBehindAllOthers() {
        ConfDirSnapshot after = installed(base());

        List<NetworkConfigList> ours = after.valid().stream()
                .map(ConfFile.Valid::list)
                .filter(list -> ownEntries(list) > 0)
                .toList();
        assertEquals(1, ours.size(), "our plugin has to stand in one file");
        assertEquals(1, ownEntries(ours.getFirst()), "our plugin has to stand in the list once");
        assertEquals(
                settings().type(),
                ours.getFirst().plugins().getLast().type(),
                "our plugin has to be the last one of the list");
        ObjectNode entry = ours.getFirst().plugins().getLast().json();
        settings()
                .entry()
                .properties()
                .forEach(field -> assertEquals(
                        field.getValue(), entry.get(field.getKey()), "field " + field.getKey() + " of our entry"));
    }

    @Test
    public void installingKeepsEveryOtherPluginAsItWas() {
        assertEquals(foreignPlugins(base()), foreignPlugins(installed(base())), "plugins of others have changed");
    }

    @Test
    public void installingKeepsTheNetworkOfPods() {
        assertEquals(
                base().primary().map(file -> file.list().name()),
                installed(base()).primary().map(file -> file.list().name()),
                "pods would get another network");
    }

    @Test
    public void whatIsInstalledNeedsNoEdit() {
        ConfDirSnapshot once = installed(base());

        assertEquals(List.of(), edits(once), "installing twice has to be installing once");
    }

    @Test
    public void changedSettingsReplaceOurEntry() {
        ConfDirSnapshot old = applied(base(), adapter().install(base(), with(entry("debug"))));

        ConfDirSnapshot updated = installed(old);

        assertEquals(texts(installed(base())), texts(updated), "an old entry of ours has to be replaced");
    }

    @Test
    public void ourEntryInTheMiddleIsMovedToTheEnd() {
        if (settings().chained()) {
            for (ConfDirSnapshot messy : messy()) {
                NetworkConfigList list = installed(messy).valid().stream()
                        .map(ConfFile.Valid::list)
                        .filter(found -> ownEntries(found) > 0)
                        .findFirst()
                        .orElseThrow();
                assertEquals(1, ownEntries(list), () -> "our plugin has to stand once: " + list.text());
                assertEquals(settings().type(), list.plugins().getLast().type(), () -> "not last: " + list.text());
            }
        }
    }

    @Test
    public void uninstallingRestoresEveryByte() {
        assertAll(variants().map(variant -> () -> {
            ConfDirSnapshot installed = installed(variant);
            ConfDirSnapshot after = installed.after(adapter().uninstall(installed, settings()));
            assertEquals(texts(variant), texts(after), "uninstalling has to restore the files");
        }));
    }

    @Test
    public void uninstallingFromAnUntouchedDirectoryChangesNothing() {
        assertEquals(List.of(), adapter().uninstall(base(), settings()), "there is nothing of ours to remove");
    }

    @Test
    public void uninstallingLeavesNothingOfOursBehind() {
        for (ConfDirSnapshot messy : messy()) {
            ConfDirSnapshot after = messy.after(adapter().uninstall(messy, settings()));
            assertEquals(
                    0,
                    after.valid().stream()
                            .mapToInt(file -> ownEntries(file.list()))
                            .sum(),
                    () -> "our plugin still stands in " + texts(after));
        }
    }

    @Test
    public void editsKeepTheNetworkAtEveryMoment() {
        ConfDirSnapshot before = base();
        keepNetwork(before, edits(before));
        ConfDirSnapshot installed = installed(before);
        keepNetwork(installed, adapter().uninstall(installed, settings()));
    }

    @Test
    public void aHalfDoneInstallationIsFinished() {
        List<FileEdit> edits = edits(base());
        for (int done = 0; done <= edits.size(); done++) {
            ConfDirSnapshot interrupted = base().after(edits.subList(0, done));
            assertEquals(
                    texts(installed(base())),
                    texts(installed(interrupted)),
                    "an installation that was interrupted after edit " + done + " has to be finished by the next one");
        }
    }

    @Test
    public void aBaseCniThatIsNotThereYetIsWaitedFor() {
        if (settings().chained()) {
            var plan = adapter().install(dir(Map.of()), settings());
            assertInstanceOf(InstallPlan.Wait.class, plan, "an empty directory will fill");
            InstallSettings named =
                    new InstallSettings(true, "77-absent.conflist", settings().entry());
            assertInstanceOf(
                    InstallPlan.Wait.class, adapter().install(base(), named), "the file that is named will come");
        }
    }

    @Test
    public void aFileThatCannotBeParsedIsNeverTouched() {
        String file = target();
        ConfDirSnapshot broken = dir(Map.of(file, "{\n  \"name\": \"a\",\n  oops\n}\n"));
        InstallSettings named =
                new InstallSettings(settings().chained(), file, settings().entry());

        InstallPlan plan = adapter().install(broken, named);

        var refusal = assertInstanceOf(InstallPlan.Refuse.class, plan, "a file that cannot be parsed is refused");
        assertEquals(file, refusal.file(), "the refusal has to name the file");
        assertTrue(refusal.reason().contains("line 3"), () -> "the refusal has to say where: " + refusal.reason());
        assertEquals(List.of(), adapter().uninstall(broken, settings()), "a file that cannot be parsed is not removed");
    }

    @Test
    public void theSameQuestionHasTheSameAnswer() {
        ConfDirSnapshot dir = base();
        Map<String, String> before = texts(dir);

        assertEquals(adapter().install(dir, settings()), adapter().install(dir, settings()), "install is not pure");
        assertEquals(adapter().findings(dir, settings()), adapter().findings(dir, settings()), "findings is not pure");
        assertEquals(before, texts(dir), "the snapshot has changed");
    }

    @Test
    public void whatTheBaseCniReportsIsNoViolation() {
        assertEquals(List.of(), adapter().violations(typicalAttachment()), "pods of this base CNI would not start");
    }

    @Test
    public void aResultWithoutAddressIsAViolation() {
        AttachmentContext typical = typicalAttachment();
        AttachmentContext empty =
                new AttachmentContext(typical.ifName(), typical.netns(), Optional.of(CniResult.EMPTY));

        assertNotEquals(
                List.of(), adapter().violations(empty), "the rules cannot be right for a pod that has no address");
    }

    @Test
    public void noResultMakesTheAdapterThrow() {
        IpNet address = IpNet.parse("10.1.1.2/24");
        AttachmentContext typical = typicalAttachment();
        for (Optional<CniResult> odd : List.of(
                Optional.<CniResult>empty(),
                Optional.of(CniResult.EMPTY),
                Optional.of(CniResult.of(List.of(), List.of(CniResult.Ip.of(address, 7)), List.of())),
                Optional.of(CniResult.of(List.of(), List.of(CniResult.Ip.of(address, -1)), List.of())),
                Optional.of(CniResult.of(List.of(CniResult.Interface.ofHost("")), List.of(), List.of())))) {
            for (String violation :
                    adapter().violations(new AttachmentContext(typical.ifName(), typical.netns(), odd))) {
                assertFalse(violation.isBlank(), "a violation says what is missing");
            }
        }
    }

    @Test
    public void findingsSayWhatAndWhatToDo() {
        List<ConfDirSnapshot> dirs = new ArrayList<>(messy());
        dirs.addAll(List.of(base(), installed(base()), strangers(), dir(Map.of()), dir(Map.of("1.conf", "{"))));
        for (ConfDirSnapshot dir : dirs) {
            for (Finding finding : adapter().findings(dir, settings())) {
                assertFalse(finding.what().isBlank(), "a finding says what was found");
            }
        }
    }

    @Test
    public void aFileThatRuntimesCannotLoadIsAFinding() {
        Map<String, String> files = new HashMap<>(baseFiles());
        files.put("00-broken.conf", "{");

        assertTrue(
                adapter().findings(dir(files), settings()).stream()
                        .anyMatch(finding -> finding.severity() == Finding.Severity.ERROR
                                && finding.what().contains("00-broken.conf")),
                "containerd loads nothing while 00-broken.conf is there, and no finding says so");
    }

    private ConfDirSnapshot base() {
        return dir(baseFiles());
    }

    private static ConfDirSnapshot dir(Map<String, String> files) {
        return ConfDirSnapshot.of(DIR, files);
    }

    private static ConfDirSnapshot strangers() {
        return dir(Map.of(
                "10-strangers.conflist",
                "{\"cniVersion\":\"1.0.0\",\"name\":\"strangers\",\"plugins\":[{\"type\":\"strangers-cni\"}]}"));
    }

    private InstallSettings with(ObjectNode entry) {
        return new InstallSettings(settings().chained(), settings().confName(), entry);
    }

    /** The file that our plugin is installed into. */
    private String target() {
        return settings().chained()
                ? base().primary().orElseThrow().name()
                : adapter().detect(base(), settings()).file();
    }

    private List<FileEdit> edits(ConfDirSnapshot dir) {
        return assertInstanceOf(
                        InstallPlan.Edits.class, adapter().install(dir, settings()), "there is all that is needed")
                .edits();
    }

    private ConfDirSnapshot installed(ConfDirSnapshot dir) {
        return dir.after(edits(dir));
    }

    private static ConfDirSnapshot applied(ConfDirSnapshot dir, InstallPlan plan) {
        return dir.after(assertInstanceOf(InstallPlan.Edits.class, plan).edits());
    }

    private void keepNetwork(ConfDirSnapshot start, List<FileEdit> edits) {
        Optional<String> network = start.primary().map(file -> file.list().name());
        ConfDirSnapshot dir = start;
        for (FileEdit edit : edits) {
            dir = dir.after(List.of(edit));
            assertEquals(
                    network,
                    dir.primary().map(file -> file.list().name()),
                    () -> "a runtime that reads the directory after " + edit + " finds another network, or none");
        }
    }

    /** The base CNI's files as they are, on one line, with other line ends, and indented with tabs. */
    private Stream<ConfDirSnapshot> variants() {
        return Stream.of(
                base(),
                rewritten(text -> CniJson.compact(CniJson.lenientObject(text))),
                rewritten(text -> CniJson.lenientObject(text).toPrettyString()),
                rewritten(text -> text.replace("\n", "\r\n")),
                rewritten(text -> text.replace("  ", "\t")),
                rewritten(text -> "\n\n " + text + " \n"));
    }

    private ConfDirSnapshot rewritten(UnaryOperator<String> rewriting) {
        Map<String, String> files = new HashMap<>();
        baseFiles().forEach((name, text) -> files.put(name, ConfDir.isConfName(name) ? rewriting.apply(text) : text));
        return dir(files);
    }

    /** The base CNI's list with our plugin first, twice, and alone in a file of its own. */
    private List<ConfDirSnapshot> messy() {
        ConfFile.Valid primary = base().primary().orElseThrow();
        List<JsonNode> foreign = primary.list().plugins().stream()
                .map(plugin -> (JsonNode) plugin.json())
                .toList();
        List<JsonNode> first = new ArrayList<>(List.of(entry("warn")));
        first.addAll(foreign);
        List<JsonNode> twice = new ArrayList<>(first);
        twice.addAll(List.of(entry("warn"), CniJson.lenientObject("{\"type\":\"other\"}")));
        Map<String, String> alone = new HashMap<>(baseFiles());
        alone.put("99-alone.conf", CniJson.compact(entry("warn")));
        return List.of(list(primary, first), list(primary, twice), dir(alone));
    }

    private static ConfDirSnapshot list(ConfFile.Valid primary, List<JsonNode> plugins) {
        ObjectNode list = CniJson.lenientObject("{\"cniVersion\":\"1.0.0\"}");
        list.put("name", primary.list().name()).putArray("plugins").addAll(plugins);
        return dir(Map.of("10-messy.conflist", CniJson.compact(list)));
    }

    private int ownEntries(NetworkConfigList list) {
        return (int) list.plugins().stream()
                .filter(plugin -> plugin.type().equals(settings().type()))
                .count();
    }

    private List<ObjectNode> foreignPlugins(ConfDirSnapshot dir) {
        return dir.valid().stream()
                .flatMap(file -> file.list().plugins().stream())
                .filter(plugin -> !plugin.type().equals(settings().type()))
                .map(NetworkConfigList.Plugin::json)
                .toList();
    }

    private static Map<String, String> texts(ConfDirSnapshot dir) {
        Map<String, String> texts = new TreeMap<>();
        for (ConfFile file : dir.files()) {
            texts.put(
                    file.name(),
                    switch (file) {
                        case ConfFile.Valid valid -> valid.list().text();
                        case ConfFile.Divided divided -> "in " + divided.directory() + ": " + divided.plugins();
                        case ConfFile.Invalid invalid -> "invalid: " + invalid.reason();
                    });
        }
        return texts;
    }
}
