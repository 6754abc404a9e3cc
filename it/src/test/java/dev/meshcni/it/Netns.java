// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.jna.LastErrorException;
import dev.meshcni.testkit.Lane;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * A network namespace of a test's own, with its loopback interface up, and gone when it is closed.
 *
 * <p>Code runs inside it through {@link #inside} and nowhere else, so that no thread of the test can be left there.
 */
final class Netns implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String name;

    private Netns(String name) {
        this.name = name;
    }

    /** Makes a namespace. The hint, a few letters, stands in its name. */
    static Netns create(String hint) {
        Lane.requireRoot();
        byte[] unique = new byte[5];
        ThreadLocalRandom.current().nextBytes(unique);
        Netns netns = new Netns("it-" + hint + "-" + HexFormat.of().formatHex(unique));
        Command.of("ip", "netns", "add", netns.name).run();
        try {
            netns.withoutAddressDetection();
            netns.ip("link set lo up");
            return netns;
        } catch (RuntimeException e) {
            netns.close();
            throw e;
        }
    }

    /** A namespace that somebody else has made and will remove, by its file. */
    static Netns existing(Path path) {
        return new Netns(path.toString().replaceFirst("^(/var)?/run/netns/", ""));
    }

    String name() {
        return name;
    }

    /** The file that stands for it, as {@code CNI_NETNS} names it. */
    Path path() {
        return Path.of("/run/netns", name);
    }

    /**
     * Runs code on a new thread in this namespace, and passes on what it returns or throws. The code must not start
     * threads, nor processes (whose reaper would be such a thread): a thread that lives on would be in the wrong
     * namespace. Processes start by {@link #commandLine}.
     */
    <T> T inside(Callable<T> body) {
        FutureTask<T> task = new FutureTask<>(() -> {
            enter();
            return body.call();
        });
        Thread.ofPlatform().name("inside " + name).start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                default -> throw new IllegalStateException("failed inside " + name, e.getCause());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted inside " + name, e);
        }
    }

    /** Starts a thread that stays in this namespace until its body ends. */
    Thread start(String purpose, Runnable body) {
        return Thread.ofPlatform().daemon().name(purpose + " in " + name).start(() -> {
            enter();
            body.run();
        });
    }

    /** A program and its arguments, to be started in this namespace; the process has the id of what is started. */
    List<String> commandLine(String... line) {
        return Stream.concat(Stream.of("nsenter", "--net=" + path(), "--"), Stream.of(line))
                .toList();
    }

    /** A command to be run in this namespace. */
    Command command(String... line) {
        return Command.of(commandLine(line).toArray(String[]::new));
    }

    /** Runs a command to its end in this namespace and returns its standard output; it must exit with 0. */
    String run(String... line) {
        return command(line).run();
    }

    /** Runs command lines of {@code ip(8)}, without the word ip, in one process. */
    void ip(String... lines) {
        command("ip", "-batch", "-").input(String.join("\n", lines) + "\n").run();
    }

    /**
     * Connects two namespaces by a cable: a veth pair with an end in each, up and with addresses.
     *
     * @param addresses of this end; each a literal address with its prefix length
     * @param peerAddresses of the other end
     */
    void connect(String link, List<String> addresses, Netns peer, String peerLink, List<String> peerAddresses) {
        ip("link add " + link + " type veth peer name " + peerLink + " netns " + peer.name);
        raise(link, addresses);
        peer.raise(peerLink, peerAddresses);
    }

    /** Takes every packet to an address outside the connected networks for itself, whatever the address. */
    void claimAllAddresses() {
        ip("route add local 0.0.0.0/0 dev lo table main", "route add local ::/0 dev lo table main");
    }

    /** The names of its interfaces. */
    List<String> links() {
        try {
            return JSON.readTree(run("ip", "-json", "link")).findValuesAsText("ifname");
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        Command.of("ip", "netns", "delete", name).run();
    }

    private void raise(String link, List<String> addresses) {
        String[] lines = new String[addresses.size() + 1];
        for (int i = 0; i < addresses.size(); i++) {
            // nodad: an address would be unusable for a second while the kernel looks for a duplicate
            String flag = addresses.get(i).indexOf(':') >= 0 ? " nodad" : "";
            lines[i] = "address add " + addresses.get(i) + " dev " + link + flag;
        }
        lines[addresses.size()] = "link set " + link + " up";
        ip(lines);
    }

    private void withoutAddressDetection() {
        inside(() -> Files.writeString(Path.of("/proc/sys/net/ipv6/conf/default/accept_dad"), "0"));
    }

    private void enter() {
        try {
            int fd = Libc.C.open(path().toString(), Libc.O_RDONLY | Libc.O_CLOEXEC);
            try {
                Libc.C.setns(fd, Libc.CLONE_NEWNET);
            } finally {
                Libc.C.close(fd);
            }
        } catch (LastErrorException e) {
            throw new UncheckedIOException(new IOException("cannot enter " + path(), e));
        }
    }
}
