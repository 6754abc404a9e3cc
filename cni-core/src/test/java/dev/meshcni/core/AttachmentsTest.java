// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.api.Attachment;
import dev.meshcni.core.AttachmentStore.Stored;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import java.util.List;
import org.junit.jupiter.api.Test;

class AttachmentsTest {
    private static final NamespaceId NAMESPACE = new NamespaceId(4, 4026532001L, 7);
    private static final NamespaceId OTHER = new NamespaceId(4, 4026532002L, 8);

    private final MemoryStore store = new MemoryStore();
    private final Attachments attachments = new Attachments(store);

    @Test
    void whatIsNotValidIsForgottenInItsNetworkOnly() {
        attachments.add(stored("pods", "c1", NAMESPACE));
        attachments.add(stored("pods", "c2", OTHER));
        attachments.add(stored("other", "c2", OTHER));

        assertThat(attachments.retain("pods", List.of(new Attachment("c1", "eth0"))))
                .isEqualTo(1);

        assertThat(attachments.find("pods", new Attachment("c1", "eth0"))).isPresent();
        assertThat(attachments.find("pods", new Attachment("c2", "eth0"))).isEmpty();
        assertThat(attachments.find("other", new Attachment("c2", "eth0"))).isPresent();
        assertThat(store.kept).hasSize(2);
    }

    @Test
    void whatComesMeanwhileIsNotCountedAmongTheForgotten() throws InterruptedException {
        Thread adding = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 20_000; i++) {
                attachments.add(stored("other", "c" + i, NAMESPACE));
            }
        });
        while (adding.isAlive()) {
            assertThat(attachments.retain("pods", List.of())).isZero();
        }
        adding.join();
    }

    @Test
    void whatAnEarlierAgentRedirectedIsKnownButWasNotRedirectedByThisOne() {
        attachments.add(stored("pods", "c1", NAMESPACE));

        Attachments next = new Attachments(store);

        assertThat(next.find("pods", new Attachment("c1", "eth0"))).contains(stored("pods", "c1", NAMESPACE));
        assertThat(next.redirected("uid-c1")).isFalse();
        assertThat(attachments.redirected("uid-c1")).isTrue();
        assertThat(next.namespacesOf("uid-c1")).containsExactly(NAMESPACE);
    }

    @Test
    void whatWasAddedInVainIsAsItWas() {
        attachments.add(stored("pods", "c1", NAMESPACE));

        attachments.add(stored("pods", "c1", OTHER)).run();
        attachments.add(stored("pods", "c2", OTHER)).run();

        assertThat(store.kept.values()).containsExactly(stored("pods", "c1", NAMESPACE));
        assertThat(new Attachments(store).size()).isEqualTo(1);
        assertThat(attachments.size()).isEqualTo(1);
    }

    @Test
    void whatCannotBeKeptIsNotAdded() {
        store.full = true;

        assertThatThrownBy(() -> attachments.add(stored("pods", "c1", NAMESPACE)))
                .isInstanceOf(RedirectException.class);

        assertThat(attachments.size()).isZero();
    }

    @Test
    void onlyWhatIsInTheSameNamespaceIsBesides() {
        Stored one = stored("pods", "c1", NAMESPACE);
        attachments.add(one);
        attachments.add(stored("pods", "c2", OTHER));
        attachments.add(stored("net1", "c1", NAMESPACE));

        assertThat(attachments.besides(one)).containsExactly(stored("net1", "c1", NAMESPACE));
    }

    @Test
    void aLaterNamespaceWithTheSameInodeIsAnother() {
        NamespaceId reused = new NamespaceId(NAMESPACE.device(), NAMESPACE.inode(), 99);
        NamespaceId withoutCookie = new NamespaceId(NAMESPACE.device(), NAMESPACE.inode(), 0);

        assertThat(NAMESPACE.isSame(reused)).isFalse();
        assertThat(NAMESPACE.isSame(withoutCookie)).isTrue();
        assertThat(withoutCookie.isSame(reused)).isTrue();
        assertThat(NAMESPACE.isSame(OTHER)).isFalse();
    }

    private static Stored stored(String network, String container, NamespaceId namespace) {
        return new Stored(
                network,
                container,
                "eth0",
                "shop/" + container,
                "uid-" + container,
                "/run/netns/" + namespace.inode(),
                namespace);
    }
}
