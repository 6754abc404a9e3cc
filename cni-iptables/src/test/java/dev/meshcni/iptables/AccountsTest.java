// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccountsTest {
    @TempDir
    Path directory;

    @Test
    void usersAndGroupsAreKnownByTheirOwnFiles() throws IOException {
        Accounts accounts = accounts("envoy:x:1337:7:Envoy:/:/bin/false\n", "envoy:x:2000:root,envoy\n");

        assertThat(accounts.userId("envoy")).hasValue(1337);
        assertThat(accounts.groupId("envoy")).hasValue(2000);
    }

    @Test
    void aNameThatIsOnlyTheBeginningOfAnotherIsUnknown() throws IOException {
        assertThat(accounts("envoyproxy:x:1:1::/:\n", "").userId("envoy")).isEmpty();
    }

    @Test
    void linesThatAreNoEntriesArePassedOver() throws IOException {
        Accounts accounts = accounts("", "+\nbatch\nbatch:x:many:\nbatch:x:201:\n");

        assertThat(accounts.groupId("batch")).hasValue(201);
    }

    @Test
    void anImageWithoutTheFilesKnowsNobody() {
        Accounts accounts = new Accounts(directory.resolve("passwd"), directory.resolve("group"));

        assertThat(accounts.userId("root")).isEmpty();
    }

    private Accounts accounts(String passwd, String group) throws IOException {
        return new Accounts(
                Files.writeString(directory.resolve("passwd"), passwd),
                Files.writeString(directory.resolve("group"), group));
    }
}
