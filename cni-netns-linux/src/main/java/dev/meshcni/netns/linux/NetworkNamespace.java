// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.ChildProcess;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.LibC;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Runs code inside a network namespace ({@code network_namespaces(7)}, {@code setns(2)}).
 *
 * <p>Being in a namespace is a property of a thread, and whatever that thread starts inherits it. So the code runs on a
 * platform thread of its own, made for this one call and gone after it: no thread that serves anything else can ever be
 * left in a pod's namespace, or keep one alive. For the same reason the code must not start threads, use thread pools
 * or {@link ProcessBuilder} (whose reaper thread would stay behind), see {@link ChildProcess}.
 *
 * <p>A namespace that belongs to another user namespace (a pod with {@code hostUsers: false}) is entered alike: the
 * capabilities that root has in the initial user namespace hold in all of its descendants ({@code user_namespaces(7)});
 * but see {@link UserNamespace}.
 */
public final class NetworkNamespace {
    /** That of the calling thread. */
    static final Path OWN = Path.of("/proc/thread-self/ns/net");

    private static final Path OF_THE_NODE = Path.of("/proc/1/ns/net");

    /** That of the thread that the process started with, which stays there; looked at once, when it is needed. */
    private static final class OwnProcess {
        static final Optional<FileKey> NETWORK = FileKey.at(Path.of("/proc/self/ns/net"));
    }

    private NetworkNamespace() {}

    /**
     * Runs an action inside a network namespace and waits for it.
     *
     * @param netns a file that stands for the namespace, such as {@code /var/run/netns/NAME} or
     *     {@code /proc/PID/ns/net}
     * @param action runs on a thread of its own; its exceptions are passed on
     * @throws NetnsException if the file does not exist or is not a network namespace
     * @throws RedirectException if it cannot be entered
     */
    public static <T> T inside(Path netns, Supplier<T> action) {
        LibC.load();
        try (OpenNamespace opened = OpenNamespace.of(netns)) {
            return onThreadOfItsOwn(() -> {
                if (!isOwn(opened)) {
                    opened.enter();
                }
                return action.get();
            });
        }
    }

    /**
     * Runs an action inside a new network namespace, which is gone when the action ends.
     *
     * @throws RedirectException if no namespace can be made
     */
    public static <T> T insideNew(Supplier<T> action) {
        LibC.load();
        return onThreadOfItsOwn(() -> {
            LibC.check(LibC.unshare(LibC.CLONE_NEWNET), "creating a network namespace");
            return action.get();
        });
    }

    /**
     * Runs an action on the calling thread, in its own namespace, with the path of a new one, which is gone when the
     * action ends. Its loopback interface is up, as in a pod's.
     *
     * @return whether it ran; not where this process may not make namespaces
     */
    static boolean withNew(Consumer<Path> action) {
        int fd;
        try {
            fd = insideNew(() -> {
                try (Rtnetlink rtnetlink = new Rtnetlink()) {
                    rtnetlink.setLoopbackUp(true);
                }
                return LibC.check(LibC.open(OWN, LibC.O_RDONLY | LibC.O_CLOEXEC), "opening the new network namespace");
            });
        } catch (RedirectException _) {
            return false;
        }
        try {
            action.accept(Path.of("/proc/self/fd", String.valueOf(fd)));
            return true;
        } finally {
            LibC.close(fd);
        }
    }

    /** Returns whether this process may make network namespaces, which takes CAP_SYS_ADMIN. */
    static boolean canMakeNew() {
        try {
            return insideNew(() -> true);
        } catch (RedirectException _) {
            return false;
        }
    }

    /** Entering a namespace takes CAP_SYS_ADMIN even where one is in it already; an init container does not have it. */
    static boolean isOwn(OpenNamespace namespace) {
        return namespace.isBehind(OWN);
    }

    /** Returns whether it is the namespace that this process has started in. */
    static boolean isOfThisProcess(OpenNamespace namespace) {
        return OwnProcess.NETWORK.filter(namespace.key()::equals).isPresent();
    }

    /** Returns whether it is the namespace of the node's first process; not when that one cannot be looked at. */
    static boolean isOfTheNode(OpenNamespace namespace, HostPaths hostPaths) {
        return namespace.isBehind(hostPaths.translate(OF_THE_NODE));
    }

    private static <T> T onThreadOfItsOwn(Supplier<T> action) {
        AtomicReference<T> result = new AtomicReference<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = Thread.ofPlatform()
                .name("netns")
                .daemon()
                .inheritInheritableThreadLocals(false)
                .unstarted(() -> {
                    try {
                        result.set(action.get());
                    } catch (Throwable e) {
                        failure.set(e);
                    }
                });
        thread.start();
        joinUninterruptibly(thread);
        switch (failure.get()) {
            case null -> {
                return result.get();
            }
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException("a supplier throws no checked exception", e);
        }
    }

    /** An interrupted caller waits all the same: what it asked for is bounded, and half of it would be worse. */
    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
