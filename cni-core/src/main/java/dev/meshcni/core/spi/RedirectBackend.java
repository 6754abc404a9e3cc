package dev.meshcni.core.spi;

import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * Puts a {@link RedirectPlan} into a network namespace, and reads what is there. One instance serves a whole node, many
 * namespaces at once, from any thread; no call changes anything outside the namespace that it is given.
 *
 * <p>All methods throw {@link dev.meshcni.core.RedirectException} when the namespace cannot be entered or a step fails.
 */
public interface RedirectBackend {
    /** The name that the configuration chooses this backend by, such as {@code iptables} or {@code nftables}. */
    String name();

    /**
     * This backend with the program that an operator chose in place of the one that it would find; itself where it has no
     * choice. Whether it works is found out by {@link #detect}.
     *
     * @param program {@code nft}, {@code legacy}, a name such as {@code iptables-nft}, or the path of such a program
     */
    default RedirectBackend with(String program) {
        return this;
    }

    /**
     * Finds out whether and how this backend works on this node. Called once before anything else; the result is for
     * the log ("iptables-nft 1.8.9").
     *
     * @throws dev.meshcni.core.RedirectException if it does not work here, with the remedy
     */
    String detect();

    /**
     * Whether a file stands for the network namespace that this process itself is in, or the node's. The agent refuses such
     * a file: what is meant for a pod would be done to the node.
     */
    default boolean isOwn(Path netns) {
        return false;
    }

    /**
     * Runs an action with the path of a new network namespace, which is gone when the action ends.
     *
     * @return whether it ran; not where this process may not make namespaces
     */
    default boolean withThrowaway(Consumer<Path> action) {
        return false;
    }

    /**
     * The addresses of all interfaces of the namespace except loopback, link-local ones left out, in the order in which
     * the kernel lists them.
     */
    List<InetAddress> addresses(Path netns);

    /**
     * Makes the namespace hold just what the plan says, in all tables of all families or in none: on a failure what was
     * there before is put back. Reads the result back and compares it before it returns. Applying a plan that is there
     * already changes nothing.
     */
    void apply(Path netns, RedirectPlan plan);

    /** What differs between the namespace and the plan; empty when they agree. Changes nothing. */
    List<RuleDifference> differences(Path netns, RedirectPlan plan);

    /**
     * Removes everything that any {@link #apply} has put there, whatever plan it was. Rules of others stay. Does
     * nothing where nothing of ours is.
     */
    void remove(Path netns);
}
