// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.AttachmentStore.Stored;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.install.RunDirectory;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttachmentFilesTest {
    private static final String BOOT = "0c9a3f3e-6a3c-4d5e-9a59-8f5b3b1f2a77";
    private static final Stored WEB = stored("c1", "eth0");

    @TempDir
    private Path runDirectory;

    @Test
    void whatWasSavedIsLoadedByTheNextAgent() {
        files(BOOT).save(WEB);
        files(BOOT).save(stored("c1", "net1"));

        assertThat(files(BOOT).load()).containsExactlyInAnyOrder(WEB, stored("c1", "net1"));
    }

    @Test
    void theInstallerNamesThePodsThatAreAttachedToANetworkOfOurs() throws IOException {
        TestNode node = TestNode.in(runDirectory.resolve("node"));
        AttachmentFiles files = new AttachmentFiles(node.runDirectory().resolve(RunDirectory.ATTACHMENTS), BOOT);
        Stored gone = ofMultus("c2", "shop/gone");
        files.save(WEB);
        files.save(ofMultus("c1", "shop/web"));
        files.save(gone);
        files.delete(gone);

        assertThat(NodeInstaller.of(node).attachedPods())
                .hasValueSatisfying(said -> assertThat(said).contains(": shop/web. "));
        files.delete(ofMultus("c1", "shop/web"));
        assertThat(NodeInstaller.of(node).attachedPods()).isEmpty();
    }

    @Test
    void aLaterRecordOfTheSameAttachmentTakesTheEarlierOnesPlace() {
        Stored moved =
                new Stored("pods", "c1", "eth0", "shop/web", "u1", "/run/netns/b", new NamespaceId(4, 4026532009L, 12));
        files(BOOT).save(WEB);
        files(BOOT).save(moved);

        assertThat(files(BOOT).load()).containsExactly(moved);
    }

    @Test
    void whatWasDeletedIsGone() {
        files(BOOT).save(WEB);
        files(BOOT).delete(WEB);
        files(BOOT).delete(WEB);

        assertThat(files(BOOT).load()).isEmpty();
    }

    @Test
    void namesAsLongAsARuntimeLikesAreKept() {
        Stored longNames = stored("c".repeat(300), "eth0");

        files(BOOT).save(longNames);

        assertThat(files(BOOT).load()).containsExactly(longNames);
    }

    @Test
    void onlyRootMayRead() throws IOException {
        files(BOOT).save(WEB);

        Path directory = runDirectory.resolve(RunDirectory.ATTACHMENTS);
        assertThat(Files.getPosixFilePermissions(directory)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
        try (Stream<Path> entries = Files.list(directory)) {
            assertThat(entries.toList())
                    .singleElement()
                    .satisfies(file -> assertThat(Files.getPosixFilePermissions(file))
                            .isEqualTo(PosixFilePermissions.fromString("rw-------")));
        }
    }

    @Test
    void theNamespacesOfAnEarlierStartOfTheKernelAreForgotten() {
        files(BOOT).save(WEB);

        assertThat(files("another boot").load()).isEmpty();
        assertThat(files(BOOT).load()).isEmpty();
    }

    @Test
    void whatIsNoRecordIsRemovedAndHidesNoOther() throws IOException {
        files(BOOT).save(WEB);
        Path directory = runDirectory.resolve(RunDirectory.ATTACHMENTS);
        Path record = onlyRecord(directory);
        Path outside = Files.writeString(runDirectory.resolve("outside"), "kept");
        Files.writeString(directory.resolve("broken.json"), "{\"network\":");
        Files.writeString(directory.resolve("empty.json"), "");
        Files.writeString(directory.resolve("list.json"), "[]");
        Files.write(directory.resolve("long.json"), new byte[1 << 20]);
        Files.copy(record, directory.resolve("copy.json"));
        Files.createSymbolicLink(directory.resolve("link.json"), outside);

        assertThat(files(BOOT).load()).containsExactly(WEB);

        try (Stream<Path> entries = Files.list(directory)) {
            assertThat(entries.toList()).isEqualTo(List.of(record));
        }
        assertThat(outside).hasContent("kept");
    }

    @Test
    void whatAnAgentHasLeftThatEndedMeanwhileIsReplaced() throws IOException {
        files(BOOT).save(WEB);
        Path directory = runDirectory.resolve(RunDirectory.ATTACHMENTS);
        Path record = onlyRecord(directory);
        Path outside = Files.writeString(runDirectory.resolve("outside"), "kept");
        Files.createSymbolicLink(directory.resolve(record.getFileName() + ".new"), outside);

        files(BOOT).save(WEB);

        try (Stream<Path> entries = Files.list(directory)) {
            assertThat(entries.toList()).isEqualTo(List.of(record));
        }
        assertThat(files(BOOT).load()).containsExactly(WEB);
        assertThat(outside).hasContent("kept");
    }

    @Test
    void aRecordThatCannotBeWrittenIsAnErrorThatSaysWhere() throws IOException {
        Files.createFile(runDirectory.resolve(RunDirectory.ATTACHMENTS));

        assertThatThrownBy(() -> files(BOOT).save(WEB))
                .isInstanceOf(RedirectException.class)
                .hasMessageContaining(
                        runDirectory.resolve(RunDirectory.ATTACHMENTS).toString());
    }

    private AttachmentFiles files(String bootId) {
        return new AttachmentFiles(runDirectory.resolve(RunDirectory.ATTACHMENTS), bootId);
    }

    /** As Multus attaches a pod: with an interface of its own, to the network of our file. */
    private static Stored ofMultus(String containerId, String pod) {
        return new Stored(
                "istio-cni", containerId, "net1", pod, "u1", "/run/netns/a", new NamespaceId(4, 4026532008L, 11));
    }

    private static Stored stored(String container, String ifName) {
        return new Stored(
                "pods",
                container,
                ifName,
                "shop/web",
                "3f0cd94d-3c5b-4c9a-a1f1-0b6f7f7f0d11",
                "/run/netns/a",
                new NamespaceId(4, 4026532008L, Long.MAX_VALUE));
    }

    private static Path onlyRecord(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.findFirst().orElseThrow();
        }
    }
}
