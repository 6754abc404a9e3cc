package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.Attachment;
import dev.meshcni.core.Attachments.Redirected;
import java.util.List;
import org.junit.jupiter.api.Test;

class AttachmentsTest {
    private static final Attachment WEB = new Attachment("c1", "eth0");
    private static final Attachment CART = new Attachment("c2", "eth0");

    private final Attachments attachments = new Attachments();

    @Test
    void whatIsNotValidIsForgottenInItsNetworkOnly() {
        attachments.add("pods", WEB, new Redirected("shop/web", "/run/netns/web"));
        attachments.add("pods", CART, new Redirected("shop/cart", "/run/netns/cart"));
        attachments.add("other", CART, new Redirected("shop/cart", "/run/netns/cart"));

        assertThat(attachments.retain("pods", List.of(WEB))).isEqualTo(1);

        assertThat(attachments.redirected("shop/web")).isTrue();
        assertThat(attachments.remove("pods", CART)).isEmpty();
        assertThat(attachments.remove("other", CART)).isPresent();
    }

    @Test
    void whatComesMeanwhileIsNotCountedAmongTheForgotten() throws InterruptedException {
        Thread adding = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 100_000; i++) {
                attachments.add("other", new Attachment("c" + i, "eth0"), new Redirected("shop/web", "/run/netns/web"));
            }
        });
        while (adding.isAlive()) {
            assertThat(attachments.retain("pods", List.of())).isZero();
        }
        adding.join();
    }
}
