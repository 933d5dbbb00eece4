import { createRoot } from 'react-dom/client';
import { Chat } from '../../examples/react-ai-sdk/chat.jsx';

export const show = (element, server) => createRoot(element).render(<Chat server={server} />);
