// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.testkit.ZdsSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationTest {
    private static final WorkloadInfo INFO = new WorkloadInfo("p", "shop", "default");
    private static final byte[] SUCCESS = ZdsSchema.ack("");

    @TempDir
    private Path directory;

    private final Wishes wishes = new Wishes();
    private final Conversation conversation = new Conversation();
    private SharedDescriptor first;
    private SharedDescriptor second;

    @BeforeEach
    void open() throws IOException {
        first = SharedDescriptor.open(Files.createFile(directory.resolve("first")));
        second = SharedDescriptor.open(Files.createFile(directory.resolve("second")));
    }

    @AfterEach
    void close() {
        wishes.clear();
        first.close();
        second.close();
    }

    @Test
    void nothingIsSaidBeforeTheHello() {
        want("a", first);

        assertThat(conversation.next(wishes, true)).isEmpty();
        assertThatThrownBy(() -> conversation.greet(SUCCESS))
                .isInstanceOf(ZdsException.class)
                .hasMessage("the first message of ztunnel, of 2 bytes, is no hello");
    }

    @Test
    void aSnapshotNamesAllPodsAndThenEnds() {
        want("a", first);
        wishes.put("b", INFO, Optional.empty());
        want("c", second);

        greet();

        assertThat(talk(true)).containsExactly("add a", "keep b", "add c", "snapshot_sent");
        assertThat(conversation.phase()).isEqualTo(Conversation.Phase.OPEN);
    }

    @Test
    void aPodForWhichSomebodyWaitsComesFirst() {
        want("a", first);
        want("b", second);
        wishes.hurry("b");

        greet();

        assertThat(talk(true)).containsExactly("add b", "add a", "snapshot_sent");
    }

    @Test
    void aPodThatComesDuringTheSnapshotIsPartOfIt() {
        want("a", first);
        greet();
        assertThat(say(true)).isEqualTo("add a");
        want("b", second);
        conversation.answer(SUCCESS);

        assertThat(talk(true)).containsExactly("add b", "snapshot_sent");
    }

    @Test
    void oneThatDoesNotServeHearsItsSnapshotAndThenOnlyWhatHasEnded() {
        want("a", first);
        greet();
        assertThat(talk(false)).containsExactly("add a", "snapshot_sent");

        want("b", second);
        assertThat(talk(false)).isEmpty();
        wishes.remove("a");
        assertThat(talk(false)).containsExactly("del a");
        assertThat(talk(true)).containsExactly("add b");
    }

    @Test
    void thereIsOneRequestAtATime() {
        want("a", first);
        want("b", second);
        greet();

        assertThat(say(true)).isEqualTo("add a");
        assertThat(conversation.next(wishes, true)).isEmpty();
    }

    @Test
    void anAcknowledgementBelongsToTheNamespaceThatWasSent() {
        want("a", first);
        greet();
        assertThat(say(true)).isEqualTo("add a");
        want("a", second);

        conversation.answer(SUCCESS);

        assertThat(conversation.serves("a", first.key())).isTrue();
        assertThat(conversation.serves("a", second.key())).isFalse();
        assertThat(talk(true)).containsExactly("add a", "snapshot_sent");
        assertThat(conversation.serves("a", second.key())).isTrue();
    }

    @Test
    void aRefusedPodIsAskedForAgainWhenSomebodyAsksOrItsNamespaceIsAnother() {
        want("a", first);
        greet();
        assertThat(say(true)).isEqualTo("add a");
        conversation.answer(ZdsSchema.ack("port in use"));

        assertThat(talk(true)).containsExactly("snapshot_sent");
        assertThat(conversation.serves("a", first.key())).isFalse();
        want("a", first);
        assertThat(talk(true)).containsExactly("add a");
        assertThat(conversation.serves("a", first.key())).isTrue();
    }

    @Test
    void aRefusedPodThatIsNotWantedIsTakenAwaySoThatZtunnelCanBeReady() {
        want("a", first);
        greet();
        assertThat(say(true)).isEqualTo("add a");
        conversation.answer(ZdsSchema.ack("dead namespace"));
        wishes.remove("a");

        assertThat(talk(true)).containsExactly("del a", "snapshot_sent");
        assertThat(conversation.mayKnow("a")).isFalse();
    }

    @Test
    void aPodThatIsForgottenWhileItIsAddedIsTakenAwayThen() {
        want("a", first);
        greet();
        assertThat(say(true)).isEqualTo("add a");
        wishes.remove("a");
        assertThat(conversation.mayKnow("a")).isTrue();
        conversation.answer(SUCCESS);

        assertThat(talk(true)).containsExactly("del a", "snapshot_sent");
    }

    /** ztunnel exits when it is told to keep a pod after the snapshot. */
    @Test
    void afterTheSnapshotNothingIsKept() {
        greet();
        assertThat(talk(true)).containsExactly("snapshot_sent");

        wishes.put("a", INFO, Optional.empty());

        assertThat(talk(true)).isEmpty();
    }

    @Test
    void aKeptPodCountsAsNotServedAndIsAddedWhenItsNamespaceIsFound() {
        wishes.put("a", INFO, Optional.empty());
        greet();
        assertThat(talk(true)).containsExactly("keep a", "snapshot_sent");

        want("a", first);

        assertThat(conversation.serves("a", first.key())).isFalse();
        assertThat(talk(true)).containsExactly("add a");
    }

    @Test
    void anAnswerToNothingBreaksTheOrder() {
        greet();
        assertThat(talk(true)).containsExactly("snapshot_sent");

        assertThatThrownBy(() -> conversation.answer(SUCCESS))
                .isInstanceOf(ZdsException.class)
                .hasMessage("ztunnel has sent 2 bytes that answer no request");
    }

    @Test
    void onlyAnAddMayBeRefused() {
        greet();
        assertThat(say(true)).isEqualTo("snapshot_sent");

        assertThatThrownBy(() -> conversation.answer(ZdsSchema.ack("no")))
                .isInstanceOf(ZdsException.class)
                .hasMessage("ztunnel refuses the snapshot_sent: no");
    }

    private void want(String uid, SharedDescriptor namespace) {
        wishes.put(uid, INFO, Optional.of(namespace.share()));
    }

    private void greet() {
        conversation.greet(ZdsSchema.hello(1));
    }

    /** All that is said now, each answered by success. */
    private List<String> talk(boolean serving) {
        List<String> said = new ArrayList<>();
        for (String next = say(serving); !next.isEmpty(); next = say(serving)) {
            said.add(next);
            conversation.answer(SUCCESS);
        }
        return said;
    }

    private String say(boolean serving) {
        return conversation
                .next(wishes, serving)
                .map(outgoing -> switch (outgoing.request()) {
                    case ZdsRequest.Add(String uid, WorkloadInfo _) -> "add " + uid;
                    case ZdsRequest.Keep(String uid) -> "keep " + uid;
                    case ZdsRequest.Del(String uid) -> "del " + uid;
                    case ZdsRequest.SnapshotSent() -> "snapshot_sent";
                })
                .orElse("");
    }
}
